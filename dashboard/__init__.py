"""The operations console: runs concurrent variants at a target, watches, judges and keeps the record."""
