"""Profiles compiled to rules, and resources checked by them.

from gateway.validation import Validator
"""

from gateway.validation.validator import Validator

__all__ = ["Validator"]
