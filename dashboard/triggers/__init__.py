"""The ways to give a target its variants: one kind a module, all of them released at one instant."""
