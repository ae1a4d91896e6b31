"""What can be under test: one interface (`base`), one module per kind of target."""
