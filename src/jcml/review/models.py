"""The tables of the workbench.

What came from the engine (content, scores, reasons, rows) never changes once it is here; only state, holder and drafts do.
Events are written in the transaction of the change that they tell of (`journal`), and neither changed nor deleted.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Case, Q, Value, When
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from jcml.review.states import STATES

ROLES: dict[str, Any] = {
    "R": pgettext_lazy("role", "Prosecutor"),
    "C": pgettext_lazy("role", "Checker"),
    "L": pgettext_lazy("role", "Supervising leader"),
    "M": pgettext_lazy("role", "Case management"),
    "D": pgettext_lazy("role", "Data scientist"),
    "SA": pgettext_lazy("role", "System administrator"),
    "SE": pgettext_lazy("role", "Security administrator"),
    "AU": pgettext_lazy("role", "Auditor"),
    "B": pgettext_lazy("role", "Batch job"),
}
BANDS = {"high": _("high"), "medium": _("medium"), "low": _("low")}


class Unit(models.Model):
    """A procuratorate (办案单位) in the tree 最高检 → 省 → 市 → 县; `path` holds the codes from the root down."""

    code = models.CharField(max_length=32, unique=True)
    zh = models.CharField(max_length=120)
    en = models.CharField(max_length=120)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    path = models.CharField(max_length=400, unique=True)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Derive the path from the parent."""
        self.path = f"{self.parent.path if self.parent else ''}{self.code}/"
        super().save(*args, **kwargs)


class Department(models.Model):
    """A department (业务部门) of every unit; the engine's `queue` names it."""

    code = models.CharField(max_length=40, primary_key=True)
    zh = models.CharField(max_length=80)
    en = models.CharField(max_length=80)


class Scenario(models.Model):
    """A supervision model (监督模型) as far as the workbench knows it, with the plain-words card of its newest version."""

    name = models.CharField(max_length=80, primary_key=True)
    zh = models.CharField(max_length=200)
    en = models.CharField(max_length=200)
    department = models.ForeignKey(Department, models.PROTECT)
    card = models.JSONField(default=dict)


class Users(BaseUserManager["User"]):
    """Makes people; there is no superuser."""

    def create_user(self, username: str, password: str, **more: Any) -> User:
        """A person who can log in."""
        user = self.model(username=username, **more)
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser):
    """A person; what they may do is in their grants."""

    username = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=60)
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    language = models.CharField(max_length=8, default="zh-hans")
    shortcuts = models.BooleanField(default=True)
    seen_from = models.CharField(max_length=64, blank=True)
    seen_before = models.DateTimeField(null=True, blank=True)
    seen_before_from = models.CharField(max_length=64, blank=True)
    password_set = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = Users()

    def __str__(self) -> str:
        """The name that colleagues read."""
        return self.name


class Grant(models.Model):
    """A role in a unit, for one department and scenario or, where empty, for all of them."""

    user = models.ForeignKey(User, models.CASCADE, related_name="grants")
    role = models.CharField(max_length=2, choices=list(ROLES.items()))
    unit = models.ForeignKey(Unit, models.PROTECT)
    department = models.ForeignKey(Department, models.PROTECT, null=True, blank=True)
    scenario = models.ForeignKey(Scenario, models.PROTECT, null=True, blank=True)

    class Meta:
        """The same grant once."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("user", "role", "unit", "department", "scenario", name="grant_once", nulls_distinct=False)
        ]


class Run(models.Model):
    """A published run of the engine; clues become visible all at once, when `published` is set."""

    key = models.CharField(max_length=64, primary_key=True)
    scenario = models.ForeignKey(Scenario, models.PROTECT)
    unit = models.ForeignKey(Unit, models.PROTECT)
    as_of = models.DateField()
    version = models.IntegerField()
    scored = models.IntegerField(default=0)
    clues_expected = models.IntegerField(default=0)
    clues_digest = models.CharField(max_length=64, blank=True)
    facts = models.JSONField(default=dict)
    received = models.DateTimeField(auto_now_add=True)
    received_by = models.CharField(max_length=60)
    published = models.DateTimeField(null=True)
    supersedes = models.ForeignKey("self", models.PROTECT, null=True, related_name="superseded_by")


class Clue(models.Model):
    """A unit put before a person (线索): the engine's words in `content`, and where its handling stands."""

    id = models.CharField(max_length=40, primary_key=True)
    number = models.CharField(max_length=32, unique=True)
    run = models.ForeignKey(Run, models.PROTECT, related_name="clues")
    scenario = models.ForeignKey(Scenario, models.PROTECT, db_index=False)
    department = models.ForeignKey(Department, models.PROTECT)
    unit = models.ForeignKey(Unit, models.PROTECT, db_index=False)
    subject = models.CharField(max_length=200)
    subject_shown = models.CharField(max_length=200)
    as_of = models.DateField()
    band = models.CharField(max_length=8, choices=list(BANDS.items()))
    rank = models.IntegerField()
    margin = models.FloatField()
    probability = models.FloatField(null=True)
    selected = models.CharField(max_length=8)
    chance = models.FloatField()
    place = models.IntegerField()
    first_reason = models.CharField(max_length=80)
    first_reason_zh = models.TextField()
    first_reason_en = models.TextField()
    pattern = models.CharField(max_length=170)
    evidence_count = models.IntegerField()
    evidence_digest = models.CharField(max_length=64)

    state = models.CharField(max_length=12, choices=[(k, v[0]) for k, v in STATES.items()], default="arriving")
    open = models.GeneratedField(
        expression=Case(When(state__in=["arriving", "closed", "superseded"], then=Value(0)), default=Value(1)), output_field=models.SmallIntegerField(), db_persist=True
    )
    holder = models.ForeignKey(User, models.PROTECT, null=True, related_name="held")
    lease_until = models.DateTimeField(null=True)
    due_on = models.DateField()
    snoozed_until = models.DateField(null=True)
    outcome = models.CharField(max_length=20, blank=True)
    verdict_kind = models.CharField(max_length=12, blank=True)
    returned = models.BooleanField(default=False)
    rose_since = models.BooleanField(default=False)
    blind = models.BooleanField(default=False)
    version = models.IntegerField(default=1)
    changed = models.DateTimeField(auto_now=True)
    closed = models.DateTimeField(null=True)
    content = models.JSONField()  # last in the row: what stands after a long text is slow to read

    class Meta:
        """What the queue asks for, and no state but those that there are."""

        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["unit", "state", "due_on", "place", "id"], name="clue_queue"),
            models.Index(fields=["unit", "open", "due_on", "place", "id"], name="clue_open"),
            models.Index(fields=["scenario", "unit", "open", "due_on", "place", "id"], name="clue_scenario"),
            models.Index(fields=["holder", "state"], name="clue_holder"),
            models.Index(fields=["state", "lease_until"], name="clue_lease"),
            models.Index(fields=["scenario", "subject", "unit"], name="clue_subject"),
            models.Index(fields=["scenario", "pattern", "state", "outcome", "id", "unit", "department"], name="clue_class"),
            models.Index(fields=["unit", "scenario", "department", "band", "selected", "run", "verdict_kind", "outcome", "state"], name="clue_counts"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(state__in=list(STATES)), name="clue_state"),
            models.CheckConstraint(condition=~Q(state="claimed") | Q(holder__isnull=False), name="claimed_by_somebody"),
        ]


class ScoreVersion(models.Model):
    """A score that a later run gave to the same subject; it moves no state."""

    clue = models.ForeignKey(Clue, models.CASCADE, related_name="scores")
    run = models.ForeignKey(Run, models.PROTECT)
    as_of = models.DateField()
    margin = models.FloatField()
    band = models.CharField(max_length=8)
    at = models.DateTimeField(auto_now_add=True)


class Reason(models.Model):
    """A reason of a clue, for filters, class view and similar clues; its sentence is in the clue's content."""

    clue = models.ForeignKey(Clue, models.CASCADE, related_name="reasons")
    feature = models.CharField(max_length=80)
    place = models.IntegerField()
    speaks_for = models.BooleanField()
    contribution = models.FloatField()

    class Meta:
        """Clues that share a reason are found by it."""

        indexes: ClassVar[list[Any]] = [models.Index(fields=["feature", "speaks_for"], name="reason_feature")]


class Link(models.Model):
    """Something that a clue's evidence names: a source row, or the pseudonym of a person, firm or thing."""

    clue = models.ForeignKey(Clue, models.CASCADE, related_name="links")
    kind = models.CharField(max_length=60)
    value = models.CharField(max_length=200)
    shown = models.CharField(max_length=200)
    rows = models.IntegerField(default=1)
    common = models.BooleanField(default=False)  # another clue, whosever it is, names it too: only these can make a class

    class Meta:
        """Clues that share a link are found by it."""

        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["common", "kind", "value", "clue"], name="link_common"),
            models.Index(fields=["kind", "value"], name="link_value"),
            models.Index(fields=["shown"], name="link_shown"),
        ]


class SealedName(models.Model):
    """The values behind masked ones of a source row, encrypted; read only by `reveal`, which writes an event."""

    clue = models.ForeignKey(Clue, models.CASCADE, related_name="sealed")
    table = models.CharField(max_length=80)
    row = models.CharField(max_length=200)
    box = models.BinaryField()


class Unmasking(models.Model):
    """Leave to read a clue unmasked for ten minutes, with its reason."""

    clue = models.ForeignKey(Clue, models.CASCADE)
    user = models.ForeignKey(User, models.PROTECT)
    reason = models.CharField(max_length=200)
    until = models.DateTimeField()


class Verdict(models.Model):
    """What a person decided, with what they had before them when they did."""

    clue = models.ForeignKey(Clue, models.PROTECT, related_name="verdicts")
    by = models.ForeignKey(User, models.PROTECT)
    at = models.DateTimeField()
    kind = models.CharField(max_length=12)
    said = models.JSONField(default=dict)
    outcome = models.CharField(max_length=20, blank=True)
    reason_code = models.CharField(max_length=40, blank=True)
    worth_checking = models.BooleanField(null=True)
    standing = models.CharField(max_length=10)
    second = models.BooleanField()
    evidence_digest = models.CharField(max_length=64)
    band = models.CharField(max_length=8)
    shown_rank = models.IntegerField()
    margin = models.FloatField()
    model_version = models.IntegerField()
    decided = models.DateTimeField(null=True)

    class Meta:
        """At most one open proposal of a clue."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["clue"], condition=Q(standing="proposed"), name="one_proposal"),
            models.CheckConstraint(condition=Q(standing__in=["proposed", "stands", "returned", "withdrawn", "undone"]), name="verdict_standing"),
        ]


class Approval(models.Model):
    """What the second person said of a proposed verdict."""

    verdict = models.ForeignKey(Verdict, models.PROTECT, related_name="approvals")
    by = models.ForeignKey(User, models.PROTECT)
    at = models.DateTimeField()
    approved = models.BooleanField()
    text = models.TextField(blank=True)
    evidence_digest = models.CharField(max_length=64)

    class Meta:
        """A verdict is approved once."""

        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["verdict"], name="decided_once"),
        ]


class ReasonFeedback(models.Model):
    """What a person says of one reason; the newest counts."""

    clue = models.ForeignKey(Clue, models.CASCADE, related_name="feedback")
    feature = models.CharField(max_length=80)
    says = models.CharField(max_length=12)
    by = models.ForeignKey(User, models.PROTECT)
    at = models.DateTimeField()

    class Meta:
        """One per person and reason."""

        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["clue", "feature", "by"], name="feedback_once")]


class Draft(models.Model):
    """A form that is not sent yet."""

    clue = models.ForeignKey(Clue, models.CASCADE)
    user = models.ForeignKey(User, models.CASCADE)
    said = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        """One per person and clue."""

        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["clue", "user"], name="draft_once")]


class FirstView(models.Model):
    """When a person first opened a clue; blind samples show the score and the first verdict only after it."""

    clue = models.ForeignKey(Clue, models.CASCADE)
    user = models.ForeignKey(User, models.CASCADE)
    at = models.DateTimeField(auto_now_add=True)
    opinion = models.CharField(max_length=12, blank=True)

    class Meta:
        """One per person and clue."""

        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["clue", "user"], name="first_view_once")]


class Transfer(models.Model):
    """A clue on its way to another unit."""

    clue = models.ForeignKey(Clue, models.PROTECT, related_name="transfers")
    source = models.ForeignKey(Unit, models.PROTECT, related_name="sent")
    target = models.ForeignKey(Unit, models.PROTECT, related_name="receiving")
    by = models.ForeignKey(User, models.PROTECT)
    at = models.DateTimeField()
    because = models.TextField()
    due_on = models.DateField()
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    answered = models.DateTimeField(null=True)
    accepted = models.BooleanField(null=True)
    answer = models.TextField(blank=True)


class ReasonCode(models.Model):
    """Why a clue was ruled out; codes are retired, never renamed."""

    code = models.CharField(max_length=40, primary_key=True)
    zh = models.CharField(max_length=80)
    en = models.CharField(max_length=80)
    verdict = models.CharField(max_length=12)
    active_from = models.DateField()
    active_to = models.DateField(null=True)


class SavedView(models.Model):
    """A filter of the queue under a name."""

    user = models.ForeignKey(User, models.CASCADE)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)

    class Meta:
        """One per person and name."""

        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["user", "name"], name="view_once")]


class SpecialDay(models.Model):
    """A weekday on which nobody works, or a weekend on which everybody does."""

    day = models.DateField(primary_key=True)
    working = models.BooleanField()
    name = models.CharField(max_length=60)


class DueRule(models.Model):
    """How many working days a step may take; `what` is a band, or a hop of a transfer."""

    what = models.CharField(max_length=40, primary_key=True)
    days = models.IntegerField()
    working = models.BooleanField(default=True)
    basis = models.CharField(max_length=200, blank=True)


class Change(models.Model):
    """A change of users, units or tables that one administrator asks for and another one puts in force."""

    what = models.CharField(max_length=40)
    content = models.JSONField()
    by = models.ForeignKey(User, models.PROTECT, related_name="asked_changes")
    at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="decided_changes")
    decided = models.DateTimeField(null=True)
    approved = models.BooleanField(null=True)


class Bulk(models.Model):
    """Several clues handled in one act; can be undone for ten minutes by acts to the contrary."""

    by = models.ForeignKey(User, models.PROTECT)
    at = models.DateTimeField()
    what = models.CharField(max_length=12)
    said = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    undone = models.DateTimeField(null=True)


class Answered(models.Model):
    """A request that was answered; the same key gets the same answer."""

    key = models.CharField(max_length=80)
    user = models.ForeignKey(User, models.CASCADE)
    route = models.CharField(max_length=120)
    request = models.CharField(max_length=64)
    status = models.IntegerField()
    location = models.CharField(max_length=300, blank=True)
    body = models.TextField(blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """A key is used once."""

        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["user", "key"], name="answered_once")]


class ServiceToken(models.Model):
    """Lets a program act as a user until a day; only the digest of the token is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField()


class Event(models.Model):
    """Something that was done or read; see `chain` for what `hash` covers."""

    seq = models.BigIntegerField(primary_key=True)
    at = models.CharField(max_length=40)
    actor = models.CharField(max_length=60)
    role = models.CharField(max_length=20)
    address = models.CharField(max_length=64)
    what = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    object = models.CharField(max_length=80)
    unit = models.CharField(max_length=400)
    detail = models.TextField()
    hash = models.CharField(max_length=64)

    class Meta:
        """Who saw this clue; what did this person do."""

        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["kind", "object"], name="event_object"),
            models.Index(fields=["actor", "seq"], name="event_actor"),
            models.Index(fields=["what", "seq"], name="event_what"),
        ]


class Head(models.Model):
    """The end of the chain of events: one row, locked while an event is appended."""

    seq = models.BigIntegerField()
    hash = models.CharField(max_length=64)
