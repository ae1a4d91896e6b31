"""The trigger of our own worker, under the name by which a trial knows it."""

from dashboard.triggers.base import TriggerError, plan_variants
from dashboard.triggers.worker import WorkerTrigger as Trigger

__all__ = ["Trigger", "TriggerError", "plan_variants"]
