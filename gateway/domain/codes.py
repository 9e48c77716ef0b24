"""The closed code lists of ECM. A value that is not listed is an error, never a default.

Codes follow the DHCS ECM Policy Guide (January 2026) where it names things; the spelling of a code is ours, because the
state publishes no code systems.
"""

from __future__ import annotations

from enum import StrEnum


class PopulationOfFocus(StrEnum):
    """Populations of Focus. `1` is homelessness whose kind (1a or 1b) the sender did not say."""

    HOMELESS = "1"
    HOMELESS_ADULT = "1a"
    HOMELESS_FAMILY = "1b"
    AVOIDABLE_UTILIZATION = "2"
    SMH_SUD = "3"
    INCARCERATION = "4"
    LTC_AT_RISK = "5"
    NURSING_FACILITY = "6"
    CCS = "7"
    CHILD_WELFARE = "8"
    BIRTH_EQUITY = "9"


class AgeForm(StrEnum):
    """Which of the two referral forms was filled: adult is 21 or older."""

    ADULT = "adult"
    CHILD = "child"


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """Asked, and the answer is not known. A question that was not asked is absent."""


class Gender(StrEnum):
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class Race(StrEnum):
    """OMB race categories."""

    AIAN = "american-indian-or-alaska-native"
    ASIAN = "asian"
    BLACK = "black-or-african-american"
    NHPI = "native-hawaiian-or-pacific-islander"
    WHITE = "white"
    OTHER = "other"
    DECLINED = "declined"


class Ethnicity(StrEnum):
    HISPANIC = "hispanic-or-latino"
    NOT_HISPANIC = "not-hispanic-or-latino"
    DECLINED = "declined"


class ContactMethod(StrEnum):
    PHONE = "phone"
    TEXT = "text"
    EMAIL = "email"
    MAIL = "mail"
    IN_PERSON = "in-person"


class PhoneKind(StrEnum):
    MOBILE = "mobile"
    HOME = "home"
    WORK = "work"
    FAX = "fax"
    TTY = "tty"


class AccessFormat(StrEnum):
    """Alternative formats, DHCS APL 22-002."""

    LARGE_PRINT = "large-print"
    BRAILLE = "braille"
    AUDIO_CD = "audio-cd"
    DATA_CD = "data-cd"
    ACCESSIBLE_PDF = "accessible-pdf"


class Kinship(StrEnum):
    """What a person in the member's life is to the member."""

    PARENT = "parent"
    GUARDIAN = "guardian"
    FOSTER_PARENT = "foster-parent"
    SPOUSE = "spouse"
    CHILD = "child"
    SIBLING = "sibling"
    GRANDPARENT = "grandparent"
    RELATIVE = "relative"
    FRIEND = "friend"
    CAREGIVER = "caregiver"
    CONSERVATOR = "conservator"
    REPRESENTATIVE = "authorized-representative"
    OTHER = "other"


class Relationship(StrEnum):
    """The referrer's relationship to the member, one of four."""

    MEDICAL_PROVIDER = "medical-provider"
    SOCIAL_SERVICES = "social-services-provider"
    MEMBER_OR_FAMILY = "member-or-family"
    OTHER = "other"


class SourceCategory(StrEnum):
    """Where a referral comes from."""

    LEAD_ENTITY = "network-lead-entity"
    ECM_CHW_CS = "ecm-chw-or-cs-provider"
    PLAN = "managed-care-plan"
    HEALTH_CARE = "other-health-care-provider"
    MENTAL_HEALTH = "mental-health-provider"
    HOSPITAL = "hospital-or-er"
    GOVERNMENT = "county-or-government"
    SCHOOL = "school-or-lea"
    COMMUNITY = "community-based-organization"
    LEGAL_AID = "legal-aid"
    JUSTICE = "justice-organization"
    OTHER = "other"


class UpdatesBy(StrEnum):
    """How the referrer wants to hear what becomes of the referral."""

    SECURE_EMAIL = "secure-email"
    PORTAL = "portal"
    API = "api"
    PHONE = "phone"
    FAX = "fax"
    MAIL = "mail"


class Channel(StrEnum):
    """How a referral reached its receiver."""

    PORTAL = "portal"
    FAX = "fax"
    PHONE = "phone"
    SECURE_EMAIL = "secure-email"
    MAIL = "mail"
    SFTP = "sftp-batch"
    API = "api"
    PLATFORM = "referral-platform"
    IN_PERSON = "in-person"


class Urgency(StrEnum):
    """How soon the plan must decide: ECM Policy Guide (January 2026) pp. 103-104."""

    ROUTINE = "routine"
    """To be decided in 5 working days."""
    EXPEDITED = "expedited"
    """To be decided in 72 hours."""


class AgreementKind(StrEnum):
    """How somebody agreed, or that they did not."""

    VERBAL = "verbal"
    WRITTEN = "written"
    NOT_OBTAINED = "not-obtained"
    DECLINED = "declined"


class DataSharingForm(StrEnum):
    """By which form a member lets information be shared: DHCS's ASCMI in its versions, 42 CFR Part 2."""

    ASCMI_AB133 = "ascmi-ab133"
    ASCMI_NON_AB133 = "ascmi-non-ab133"
    ASCMI_REVOCATION = "ascmi-revocation"
    PART2 = "part-2"
    OTHER = "other"


class PlanDomain(StrEnum):
    """Domains of the care management plan."""

    PHYSICAL = "physical"
    DEVELOPMENTAL = "developmental"
    MENTAL = "mental"
    DEMENTIA = "dementia"
    SUD = "sud"
    LTSS = "ltss"
    ORAL = "oral"
    PALLIATIVE = "palliative"
    COMMUNITY_SOCIAL = "community-social"
    HOUSING = "housing"
    IN_HOME = "in-home"
    PROVIDERS = "providers"
    TRANSITION = "transition"
    POF_SPECIFIC = "pof-specific"


class CoreService(StrEnum):
    """The seven ECM core services, in the Policy Guide's order."""

    OUTREACH = "outreach-and-engagement"
    ASSESSMENT = "comprehensive-assessment-and-care-management-plan"
    COORDINATION = "enhanced-coordination-of-care"
    HEALTH_PROMOTION = "health-promotion"
    TRANSITIONAL_CARE = "comprehensive-transitional-care"
    FAMILY_SUPPORTS = "member-and-family-supports"
    COMMUNITY_SERVICES = "community-and-social-support-services"


class CarePlanStatus(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    REVOKED = "revoked"


class NeedStatus(StrEnum):
    OPEN = "open"
    MET = "met"
    INACTIVE = "inactive"


class GoalStatus(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    ACTIVE = "active"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class Achievement(StrEnum):
    IN_PROGRESS = "in-progress"
    IMPROVING = "improving"
    WORSENING = "worsening"
    NO_CHANGE = "no-change"
    ACHIEVED = "achieved"
    SUSTAINING = "sustaining"
    NOT_ACHIEVED = "not-achieved"
    NO_PROGRESS = "no-progress"
    NOT_ATTAINABLE = "not-attainable"


class ActivityStatus(StrEnum):
    NOT_STARTED = "not-started"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    STOPPED = "stopped"


class TeamStatus(StrEnum):
    PROPOSED = "proposed"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    INACTIVE = "inactive"


class TeamRole(StrEnum):
    LEAD_CARE_MANAGER = "lead-care-manager"
    ECM_PROVIDER = "ecm-provider"
    """The organization that serves the member as ECM provider."""
    BACKUP_CARE_MANAGER = "backup-care-manager"
    CARE_COORDINATOR = "care-coordinator"
    ECM_DIRECTOR = "ecm-director"
    CLINICAL_CONSULTANT = "clinical-consultant"
    NURSE_CARE_MANAGER = "nurse-care-manager"
    BH_CARE_MANAGER = "behavioral-health-care-manager"
    CHW = "community-health-worker"
    PCP = "primary-care-provider"
    SPECIALIST = "specialist"
    PHARMACIST = "pharmacist"
    NUTRITIONIST = "nutritionist"
    THERAPIST = "therapist"
    SOCIAL_WORKER = "social-service-case-manager"
    EQUIPMENT = "medical-equipment-supplier"
    PEER = "peer-specialist"
    DOULA = "doula"
    MIDWIFE = "midwife"
    HOUSING_NAVIGATOR = "housing-navigator"
    STREET_MEDICINE = "street-medicine-provider"
    COUNTY_CASE_MANAGER = "county-case-manager"
    CS_PROVIDER = "community-supports-provider"
    SUPPORT_PERSON = "support-person"
    """Parent, guardian, caregiver or another whom the member authorized; `person.kinship` says which."""
    MEMBER = "member"
