"""A Docker engine as this console uses it: its containers' facts, their logs without loss, a few actions."""
