"""The parts that pages are made of, each in all of its states, on one page for the people who build pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from crq.install_rows import Stage
from workflow import clock
from workflow.acts import Act
from workflow.templatetags.components import STATE_WORDS

NOTICES = ("success", "info", "warning", "error")
WHY = "You opened this CRQ, so someone else must approve it. Samuel Ortiz can."
STEPPERS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("wait", (("Waiting", "now"), ("Installing", ""), ("Installed", ""), ("Verified", ""))),
    ("part", (("Waiting", "past"), ("Installing", "now"), ("Installed", ""), ("Verified", ""))),
    ("done", (("Waiting", "past"), ("Installing", "past"), ("Installed", "past"), ("Verified", "past"))),
    ("stop", (("Waiting", "past"), ("Installing", "past"), ("Failed", "stop"), ("Backed out", ""))),
)
GATES = (
    ("done", "Done", ""),
    ("part", "1 of 2 done", "1/2"),
    ("you", "Your turn", ""),
    ("wait", "Waiting for somebody else", ""),
    ("stop", "Late by 2 h", "2 h"),
    ("exempt", "Exempt", ""),
    ("none", "Not started", ""),
)

RAIL = (
    ("Scope locks", "past", "done"),
    ("CRQ approval", "now", "you"),
    ("Code install", "next", "wait"),
    ("Install closes", "later", "none"),
)
TONES = (
    ("you", "you", "your turn"),
    ("ok", "done", "ready"),
    ("wait", "wait", "somebody else’s turn"),
    ("stop", "stop", "late"),
)


@dataclass(frozen=True)
class Cell:
    state: str
    sentence: str
    note: str


class ExampleForm(forms.Form):
    title = forms.CharField(help_text="What changes for the people who use it.")
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    team = forms.ChoiceField(choices=[("1", "Identity"), ("2", "Billing")])
    late = forms.BooleanField(required=False, label="Install it although it is late")


@require_safe
@login_not_required
def styleguide(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    wrong = ExampleForm({"team": "3"}, auto_id="wrong-%s")
    context: dict[str, Any] = {
        "now": now,
        "states": STATE_WORDS.items(),
        "cells": [Cell(*each) for each in GATES],
        "notices": NOTICES,
        "acts": _acts(),
        "rail": RAIL,
        "tones": TONES,
        "steppers": [_stepper(*each) for each in STEPPERS],
        "views": [_view("All", 8, current=True), _view("Due today", 3), _view("My teams", 0)],
        "good": ExampleForm(auto_id="good-%s"),
        "form": wrong,
        "soon": now + timedelta(hours=2, minutes=18),
        "late": now - timedelta(hours=2),
        "faces": ("HC", "GO", "ML"),
    }
    return render(request, "styleguide.html", context)


def _acts() -> list[Act]:
    return [
        Act("approve", "Approve CRQ", "#", enabled=True, primary=True),
        Act("look", "Open", "#", enabled=True, form_url="#"),
        Act("return", "Ask for changes", "#", enabled=True, needs_reason=True),
        Act("back_out", "Back out", "#", enabled=True, confirm="This ends the installation for this week."),
        Act("refused", "Approve CRQ", "#", enabled=False, why_not=WHY),
    ]


def _stepper(state: str, stages: tuple[tuple[str, str], ...]) -> SimpleNamespace:
    return SimpleNamespace(state=state, title="Passkey sign-in", stages=tuple(Stage(*each) for each in stages))


def _view(label: str, count: int, *, current: bool = False) -> SimpleNamespace:
    return SimpleNamespace(label=label, count=count, url="#", current=current)
