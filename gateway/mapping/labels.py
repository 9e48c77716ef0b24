"""What our codes are called, for systems that cannot look them up: the displays of the code systems in `profiles/ecm`.

A test holds them equal.
"""

from __future__ import annotations

from gateway.domain.codes import CoreService, Kinship, PlanDomain, PopulationOfFocus, TeamRole

POPULATION: dict[PopulationOfFocus, str] = {
    PopulationOfFocus.HOMELESS: "Individuals Experiencing Homelessness (whether 1a or 1b was not said)",
    PopulationOfFocus.HOMELESS_ADULT: "Individuals Experiencing Homelessness: "
    "Adults without Dependent Children/Youth Living with Them",
    PopulationOfFocus.HOMELESS_FAMILY: "Individuals Experiencing Homelessness: "
    "Homeless Families or Unaccompanied Children/Youth",
    PopulationOfFocus.AVOIDABLE_UTILIZATION: "Individuals At Risk for Avoidable Hospital or ED Utilization",
    PopulationOfFocus.SMH_SUD: "Individuals with Serious Mental Health and/or SUD Needs",
    PopulationOfFocus.INCARCERATION: "Individuals Transitioning from Incarceration",
    PopulationOfFocus.LTC_AT_RISK: "Adults Living in the Community and At Risk for LTC Institutionalization",
    PopulationOfFocus.NURSING_FACILITY: "Adult Nursing Facility Residents Transitioning to the Community",
    PopulationOfFocus.CCS: "Children and Youth Enrolled in CCS or CCS WCM "
    "with Additional Needs Beyond the CCS Condition",
    PopulationOfFocus.CHILD_WELFARE: "Children and Youth Involved in Child Welfare",
    PopulationOfFocus.BIRTH_EQUITY: "Birth Equity Population of Focus",
}
TEAM_ROLE: dict[TeamRole, str] = {
    TeamRole.LEAD_CARE_MANAGER: "ECM Lead Care Manager",
    TeamRole.ECM_PROVIDER: "ECM provider",
    TeamRole.BACKUP_CARE_MANAGER: "Backup care manager",
    TeamRole.CARE_COORDINATOR: "Care coordinator",
    TeamRole.ECM_DIRECTOR: "ECM Director",
    TeamRole.CLINICAL_CONSULTANT: "ECM Clinical Consultant",
    TeamRole.NURSE_CARE_MANAGER: "Nurse care manager",
    TeamRole.BH_CARE_MANAGER: "Behavioral health care manager",
    TeamRole.CHW: "Community Health Worker / Promotora",
    TeamRole.PCP: "Primary care provider",
    TeamRole.SPECIALIST: "Specialist",
    TeamRole.PHARMACIST: "Pharmacist",
    TeamRole.NUTRITIONIST: "Nutritionist or dietitian",
    TeamRole.THERAPIST: "Therapist",
    TeamRole.SOCIAL_WORKER: "Social service case manager",
    TeamRole.EQUIPMENT: "Medical equipment company",
    TeamRole.PEER: "Peer specialist",
    TeamRole.DOULA: "Doula",
    TeamRole.MIDWIFE: "Midwife",
    TeamRole.HOUSING_NAVIGATOR: "Housing navigator",
    TeamRole.STREET_MEDICINE: "Street medicine provider",
    TeamRole.COUNTY_CASE_MANAGER: "Community or county case manager",
    TeamRole.CS_PROVIDER: "Community Supports provider",
    TeamRole.SUPPORT_PERSON: "Family or other support person",
    TeamRole.MEMBER: "Member",
}
CORE_SERVICE: dict[CoreService, str] = {
    CoreService.OUTREACH: "Outreach and Engagement",
    CoreService.ASSESSMENT: "Comprehensive Assessment and Care Management Plan",
    CoreService.COORDINATION: "Enhanced Coordination of Care",
    CoreService.HEALTH_PROMOTION: "Health Promotion",
    CoreService.TRANSITIONAL_CARE: "Comprehensive Transitional Care",
    CoreService.FAMILY_SUPPORTS: "Member and Family Supports",
    CoreService.COMMUNITY_SERVICES: "Coordination of and Referral to Community and Social Support Services",
}
PLAN_DOMAIN: dict[PlanDomain, str] = {
    PlanDomain.PHYSICAL: "Physical health",
    PlanDomain.DEVELOPMENTAL: "Developmental health",
    PlanDomain.MENTAL: "Mental health",
    PlanDomain.DEMENTIA: "Dementia",
    PlanDomain.SUD: "Substance use disorder",
    PlanDomain.LTSS: "Long-term services and supports",
    PlanDomain.ORAL: "Oral health",
    PlanDomain.PALLIATIVE: "Palliative care",
    PlanDomain.COMMUNITY_SOCIAL: "Community-based and social services",
    PlanDomain.HOUSING: "Housing",
    PlanDomain.IN_HOME: "Help to stay at home",
    PlanDomain.PROVIDERS: "Doctors and other providers seen",
    PlanDomain.TRANSITION: "Transitions of care",
    PlanDomain.POF_SPECIFIC: "Specific to a Population of Focus",
}
KINSHIP: dict[Kinship, str] = {
    Kinship.PARENT: "Parent",
    Kinship.GUARDIAN: "Guardian",
    Kinship.FOSTER_PARENT: "Foster parent",
    Kinship.SPOUSE: "Spouse",
    Kinship.CHILD: "Child",
    Kinship.SIBLING: "Sibling",
    Kinship.GRANDPARENT: "Grandparent",
    Kinship.RELATIVE: "Relative",
    Kinship.FRIEND: "Friend",
    Kinship.CAREGIVER: "Caregiver",
    Kinship.CONSERVATOR: "Conservator",
    Kinship.REPRESENTATIVE: "Authorized representative",
    Kinship.OTHER: "Other",
}

COMMUNITY_SUPPORT = {
    "housing-transition-navigation": "Housing Transition Navigation Services",
    "housing-deposits": "Housing Deposits",
    "housing-tenancy-sustaining": "Housing Tenancy and Sustaining Services",
    "short-term-post-hospitalization-housing": "Short-Term Post-Hospitalization Housing",
    "recuperative-care": "Recuperative Care (Medical Respite)",
    "respite-services": "Respite Services (Caregiver Respite)",
    "day-habilitation": "Day Habilitation Programs",
    "assisted-living-transitions": "Assisted Living Facility (ALF) Transitions",
    "community-home-transitions": "Community or Home Transition Services",
    "personal-care-homemaker": "Personal Care and Homemaker Services",
    "home-modifications": "Environmental Accessibility Adaptations (Home Modifications)",
    "medically-tailored-meals": "Medically Tailored Meals / Medically Supportive Food",
    "sobering-centers": "Sobering Centers",
    "asthma-remediation": "Asthma Remediation",
    "transitional-rent": "Transitional Rent",
}
