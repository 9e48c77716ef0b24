"""Profiles compiled to rules, resources to issues; pure."""
