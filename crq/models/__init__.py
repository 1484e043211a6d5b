from crq.models.announcement import Announcement, AnnouncementNote
from crq.models.crq import CRQ, Decision, Document
from crq.models.elsewhere import AttachedThere, ChangeThere, NumberThere
from crq.models.exemption import ExemptionNote, ExemptionRequest
from crq.models.follower import Follower
from crq.models.reminded import Reminded
from crq.models.snapshot import Snapshot

__all__ = [
    "CRQ",
    "Announcement",
    "AnnouncementNote",
    "AttachedThere",
    "ChangeThere",
    "Decision",
    "Document",
    "ExemptionNote",
    "ExemptionRequest",
    "Follower",
    "NumberThere",
    "Reminded",
    "Snapshot",
]
