"""The personal contract's wire models, in camelCase. Outputs have no defaults: clients see every field."""
