"""Each role's work from its first page to its last; two modules walk it, each in its way."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.stages import EARLY, PDF
from tests.support.room import Room, pdf
from workflow import clock


class Journeys:
    # --- The developer -------------------------------------------------------------------------------------------
    def test_a_developer_brings_a_change_to_its_approval(self, room: Room) -> None:
        room.at_instant(EARLY)
        hands = room.sit(room.stage.cast.developer, "/pull-requests/new/")
        hands.fill("Address", "https://github.com/acme/identity-admin/pull/482")
        hands.fill("Title", "Expire idle admin sessions")
        hands.fill("Head commit", "c" * 40)
        hands.press("Submit pull request")
        hands.reads("Expire idle admin sessions")

        room.sit(room.stage.cast.developer, "/deployments/new/")
        hands.choose("Application", "Admin portal")
        hands.choose("Week", "Dec 10")
        hands.fill("Title", "Session timeout")
        hands.press("Save and continue")
        hands.tick("Expire idle admin sessions")
        hands.press("Save and continue")
        hands.fill("CRQ number", "CRQ000000700001")
        hands.press("Create CRQ and continue")
        hands.attach("Choose files", pdf("Justification.pdf"))
        hands.press("Attach")
        hands.attach("Choose files", pdf("Test results.pdf"))
        hands.press("Attach")
        hands.press("Finish")
        hands.reads("CRQ000000700001", "Justification.pdf", "Test results.pdf")
        crq = urlsplit(hands.page.url).path

        room.sit(room.stage.cast.devops, crq)
        hands.attach("Choose files", pdf("Install plan.pdf"))
        hands.press("Attach")
        hands.reads("Install plan.pdf")

        room.sit(room.stage.cast.developer, crq)
        hands.fill("Comment", "Ready for @Anita Desai to look at.")
        hands.press("Comment")
        hands.reads("Ready for @Anita Desai to look at.")

    # --- The manager ---------------------------------------------------------------------------------------------
    def test_a_manager_sends_back_approves_and_nudges(self, room: Room) -> None:
        with clock.frozen(EARLY):
            crq = room.stage.ready().crq
            room.stage.beside().planned()
        room.at("cutoff", hours=-1)

        hands = room.sit(room.stage.cast.manager, "/")
        hands.follow("Session timeout for the admin portal")
        hands.fill("Note", "The plan names no backout.")
        hands.press("Ask for changes")
        hands.reads("The plan names no backout.")

        with clock.frozen(clock.now()):
            room.stage.attach(crq, "plan", PDF + b"backout")
        room.sit(room.stage.cast.manager, crq.get_absolute_url())
        hands.press("Approve CRQ")
        hands.reads("Cleared for install")

        room.sit(room.stage.cast.manager, "/")
        hands.press("Nudge")
        hands.reads("Nudged")

    # --- DevOps --------------------------------------------------------------------------------------------------
    def test_devops_installs(self, room: Room) -> None:
        with clock.frozen(EARLY):
            room.stage.cleared()
        room.at("install", minutes=5)

        hands = room.sit(room.stage.cast.devops, f"{room.stage.week.get_absolute_url()}install/")
        hands.press("Mark batch complete")
        hands.press("Start install")
        hands.press("Undo")
        hands.reads("Taken back: it waits for its start again.")
        hands.press("Start install")
        hands.press("Mark installed")
        hands.unfold("Undo installed")
        hands.press("Undo installed")
        hands.reads("Taken back")
        hands.explain("Report failure", "The health check fails.")
        hands.press("Try again")
        hands.press("Mark installed")
        hands.reads("Installed. The team verifies it now.")

        room.sit(room.stage.cast.reviewer, "/")
        hands.follow("Session timeout for the admin portal")
        hands.press("Verify install")
        hands.reads("Verified. Nothing is left to do for it.")

    # --- The director --------------------------------------------------------------------------------------------
    @pytest.mark.parametrize("answer", ["Grant", "Deny"])
    def test_a_director_asks_and_decides(self, room: Room, answer: str) -> None:
        with clock.frozen(EARLY):
            deployment = room.stage.ready()
        room.at("approval", minutes=1)

        hands = room.sit(room.stage.cast.developer, deployment.crq.get_absolute_url())
        hands.reads("Held")
        room.sit(room.stage.cast.manager, deployment.crq.get_absolute_url())
        hands.follow("Ask for an exemption")
        hands.fill("Why you ask for an exemption", "A regulator asked for it.")
        hands.fill("Why it cannot wait", "The date is fixed by law.")
        hands.fill("Risk of installing it late", "Low: a switch turns it off.")
        hands.press("Approve late and ask for an exemption")

        room.sit(room.stage.cast.director, "/exemptions/")
        hands.follow("Session timeout for the admin portal")
        hands.fill("Question or answer", "Who can turn it off at night?")
        hands.press("Ask or answer")
        hands.reads("Who can turn it off at night?")
        hands.unfold(answer)
        hands.fill("Reason", "The plan and the risk are clear.")
        hands.press(f"{answer} the exemption")
        hands.reads("The plan and the risk are clear.")

    # --- The Scrum Master ----------------------------------------------------------------------------------------
    def test_a_scrum_master_holds_the_review_and_sends_the_plan(self, room: Room) -> None:
        with clock.frozen(EARLY):
            room.stage.submit()
        room.at("code_review", hours=1)
        review = room.stage.week.code_reviews.get()

        hands = room.sit(room.stage.cast.scrum_master, review.get_absolute_url())
        hands.press("Planned: Expire idle sessions")
        hands.press("Mark as held")
        hands.reads("Marked as held")

        room.sit(room.stage.cast.scrum_master, f"/emails/{room.stage.week.thursday}/planned_deployments/")
        hands.press("Begin the draft")
        hands.fill("Introduction", "A short week.")
        hands.press("Plain text")
        hands.reads("A short week.")
        hands.unfold("Send now")
        hands.press("Send now")
        hands.reads("Until then you can cancel it.")
        hands.press("Cancel sending")
        hands.reads("It is a draft again.", "A short week.")
        hands.unfold("Send now")
        hands.press("Send now")
        hands.reads("Until then you can cancel it.")

    # --- The administrator ---------------------------------------------------------------------------------------
    def test_an_administrator_changes_the_schedule_after_a_preview(self, room: Room) -> None:
        room.at_instant(EARLY)
        hands = room.sit(room.stage.cast.administrator, "/settings/schedule/")
        hands.fill("PRs and CRQs, time", "13:00")
        hands.press("Show what changes")
        hands.reads("Nothing is saved yet.")
        hands.press("Go on editing")
        hands.press("Show what changes")
        hands.press("Save schedule")
        hands.reads("Saved")
