from crq.models.announcement import Announcement
from crq.models.crq import CRQ, Decision, Document
from crq.models.exemption import ExemptionRequest
from crq.models.snapshot import Snapshot

__all__ = ["CRQ", "Announcement", "Decision", "Document", "ExemptionRequest", "Snapshot"]
