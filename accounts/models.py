"""People, the teams they belong to and the roles they hold."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q

from accounts.mail import Topic
from accounts.roles import OFFICE_ROLES, TEAM_ROLES, Role


class User(AbstractUser):
    """A person who signs in. People are switched off (`is_active`), never deleted: the audit trail names them."""

    email = models.EmailField(unique=True)
    forge_login = models.CharField(
        max_length=100,
        blank=True,
        default="",
        help_text="Login name at the code forge, so that imported reviews are credited.",
    )
    time_zone = models.CharField(max_length=64, default="America/New_York")
    shortcuts = models.BooleanField(
        default=True, help_text="Whether single keys act on pages, such as / for the search field."
    )

    class Meta(AbstractUser.Meta):
        ordering = ("first_name", "last_name", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["forge_login"], condition=~Q(forge_login=""), name="one_user_per_forge_login"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.get_full_name() or self.username

    def name_for(self, principal: "User | None") -> str:
        """ "A for B" for what was done as somebody's deputy, else just the name."""
        return f"{self.name} for {principal.name}" if principal else self.name

    @property
    def initials(self) -> str:
        """One or two capitals for the person's chip."""
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()


class Team(models.Model):
    name = models.CharField(max_length=80, unique=True)
    slug = models.SlugField(max_length=80, unique=True)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """Someone's role in one team."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=[(role.value, role.label) for role in TEAM_ROLES])

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "team", "role"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=TEAM_ROLES), name="membership_role_is_a_team_role"),
        )

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()} of {self.team}"


class Appointment(models.Model):
    """Someone's role for the whole organisation, such as Scrum Master."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="appointments")
    role = models.CharField(max_length=20, choices=[(role.value, role.label) for role in OFFICE_ROLES])

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "role"], name="appointment_once"),
            models.CheckConstraint(condition=Q(role__in=OFFICE_ROLES), name="appointment_role_is_an_office"),
        )

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"


class Deputy(models.Model):
    """Who may act for whom, in which role, from the first to the last day (Eastern dates, both included).

    `ended_at`: it was ended before its last day was over, and has not counted since. The row stays: it was true before.
    """

    for_user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="deputies")
    deputy = models.ForeignKey(User, on_delete=models.CASCADE, related_name="deputising")
    role = models.CharField(max_length=20, choices=Role.choices)
    starts = models.DateField()
    ends = models.DateField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deputies"
        ordering = ("starts", "pk")
        constraints = (
            models.CheckConstraint(condition=Q(ends__gte=F("starts")), name="deputy_ends_after_start"),
            models.CheckConstraint(condition=~Q(deputy=F("for_user")), name="deputy_is_someone_else"),
        )

    def __str__(self) -> str:
        return f"{self.deputy} for {self.for_user}"


class Muted(models.Model):
    """E-mails of one topic that somebody does not want. What is nobody's duty comes until it is muted."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="muted")
    topic = models.CharField(max_length=20, choices=Topic)

    class Meta:
        verbose_name_plural = "muted"
        constraints = (models.UniqueConstraint(fields=["user", "topic"], name="muted_once"),)

    def __str__(self) -> str:
        return f"{self.user}: no {self.get_topic_display()}"


class SavedView(models.Model):
    """A filter of a list page that a person gave a name. `query` is the address's part after the question mark."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=20, help_text="The list it belongs to, such as board.")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ("name", "pk")
        constraints = (models.UniqueConstraint(fields=["user", "page", "name"], name="saved_view_named_once"),)

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """The way in for somebody who has neither password nor passkey yet: one e-mailed link, good once and for a week.

    `edition` is part of the link and grows when it is sent again, so that only the newest link opens.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="invitation")
    invited_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    edition = models.PositiveSmallIntegerField(default=1)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="From this instant on the link opens nothing.")
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-sent_at", "-pk")
        constraints = (
            models.CheckConstraint(condition=Q(expires_at__gt=F("sent_at")), name="invitation_lasts"),
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(revoked_at=None), name="invitation_accepted_or_revoked"
            ),
        )

    def __str__(self) -> str:
        return f"invitation of {self.user}"


class Nomination(models.Model):
    """Somebody whom one administrator wants as administrator. It counts when another administrator confirms."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="nomination")
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = (models.CheckConstraint(condition=~Q(user=F("by")), name="nomination_of_somebody_else"),)

    def __str__(self) -> str:
        return f"{self.by} wants {self.user} as administrator"


class Token(models.Model):
    """A key with which a program acts for a person. Only its SHA-256 is kept: the key is 256 random bits."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    roles = models.JSONField(default=list, blank=True, help_text="The roles it acts in; with none it only reads.")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="From this instant on it opens nothing.")
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="To the hour.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        constraints = (models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="token_lasts"),)

    def __str__(self) -> str:
        return self.name

    @property
    def only_reads(self) -> bool:
        return not self.roles
