"""What the made-up company has installed: for each application the deployments, each with its pull requests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Idea:
    """A deployment to be: its application, its title and the titles of its pull requests."""

    application: str
    title: str
    pulls: tuple[str, ...]


_PAST: dict[str, dict[str, tuple[str, ...]]] = {
    "Admin portal": {
        "Search people by employee number": ("Find people by employee number", "Index employee numbers"),
        "Role report for the yearly review": ("Export roles as CSV", "Name the reviewer in the report"),
        "Two-person rule for limits": ("Ask a second person before raising a limit",),
        "Faster list of branches": ("Page the list of branches", "Read branches in one query"),
        "Reasons for blocking an account": ("Ask why an account is blocked",),
        "Audit view for delegated rights": ("Show who delegated what to whom", "Keep delegations for seven years"),
        "Retire the old limits screen": ("Send old bookmarks to the new screen",),
    },
    "Sign-in": {
        "Passkeys for staff": ("Register a passkey", "Offer passkeys on the sign-in page"),
        "Lock out after ten wrong passwords": ("Count wrong passwords per account", "Tell people how to unlock"),
        "Shorter sign-in for kiosks": ("Remember the branch on kiosks",),
        "New certificate for the identity provider": ("Trust the new certificate", "Drop the old certificate"),
        "Sign-in in large print": ("Follow the browser's text size",),
        "Sign out everywhere": ("End all sessions of a person", "Say where a person is signed in"),
    },
    "Ledger": {
        "Month-end close in one run": ("Close all books in one run", "Stop at the first difference"),
        "Currency table for 2027": ("Read rates from the new feed",),
        "Correct sign on reversed fees": ("Reverse fees with the right sign", "Repair September's reversals"),
        "Archive of closed books": ("Move books older than seven years",),
        "Booking references in exports": ("Add the booking reference to exports",),
        "Difference report by branch": ("Group differences by branch", "Send the report at seven"),
        "Rounding of interest at quarter end": ("Round interest half to even",),
    },
    "Statements": {
        "Statements in plain language": ("Rewrite the eight paragraphs", "Explain fees in one line"),
        "Electronic delivery by default": ("Ask new customers for delivery by e-mail",),
        "Yearly tax statement": ("Add the yearly tax statement", "Sum interest per account"),
        "Accessible PDF": ("Tag headings and tables", "Describe the logo in words"),
        "Split statements of joint accounts": ("One statement for each owner",),
        "Return address for Puerto Rico": ("Use the San Juan return address",),
    },
    "Claims intake": {
        "Photos from the phone": ("Take photos in the claim form", "Shrink photos before upload"),
        "Water damage questions": ("Ask where the water came from", "Skip questions that do not apply"),
        "Save and continue later": ("Keep a half-filled claim for 30 days",),
        "Claim number at once": ("Show the claim number after sending",),
        "Police report as attachment": ("Accept the police report as PDF", "Check attachments for viruses"),
        "Storm season banner": ("Say how long claims take in storm season",),
        "Duplicate claims": ("Warn about a second claim for one event", "Merge two claims"),
    },
    "Address lookup": {
        "County for each address": ("Store the county of an address",),
        "Rural routes": ("Understand rural route addresses", "Accept addresses without a street"),
        "Faster suggestions": ("Suggest after three letters", "Keep suggestions for an hour"),
        "Check addresses on renewal": ("Check the address when a policy renews",),
        "Apartment numbers": ("Ask for the apartment where there are several",),
        "Addresses on the map": ("Show the address on a map", "Move the pin by hand"),
    },
    "Card payments": {
        "Clear words for declined cards": ("Say what the customer can do", "Keep the bank's own code"),
        "Apple Pay in the branch app": ("Accept Apple Pay",),
        "Refunds within one day": ("Send refunds every hour", "Show the state of a refund"),
        "New acquirer for small amounts": ("Route small amounts to the new acquirer", "Compare fees each night"),
        "Stored cards expire": ("Remind people of expiring cards",),
        "Strong authentication over 500 dollars": ("Ask the bank to authenticate over 500 dollars",),
    },
    "Direct debit": {
        "Second attempt after three days": ("Try again after three days", "Tell the customer before"),
        "Mandates on paper": ("Scan paper mandates", "Find a mandate by its number"),
        "Cut-off at four": ("Take orders until four",),
        "Returned debits by reason": ("Group returned debits by reason",),
        "Bank holidays for 2027": ("Read next year's bank holidays",),
        "Stop a debit online": ("Let customers stop a debit", "Confirm by e-mail"),
    },
    "Warehouse export": {
        "Export of agent commissions": ("Add commissions to the export",),
        "Late data in the morning report": ("Mark rows that came late", "Wait up to 20 minutes for late data"),
        "Masked names in the test warehouse": ("Mask names and addresses",),
        "Export in columns": ("Write Parquet files", "Keep CSV for the auditors"),
        "Checksum for each file": ("Write a checksum beside each file",),
        "Loss ratio by region": ("Add regions to the loss table", "Compute the ratio each night"),
        "Retention of raw files": ("Delete raw files after 90 days",),
    },
    "Mobile gateway": {
        "Policy card in the wallet": ("Issue a wallet card", "Renew the card with the policy"),
        "Deposit a check by photo": ("Read the amount from the photo", "Ask again when the photo is blurred"),
        "Fewer calls at start": ("Ask for everything in one call",),
        "Dark appearance": ("Follow the phone's appearance",),
        "Location for roadside help": ("Send the place with a call for help",),
        "Retire app versions before 6.0": ("Ask old apps to update", "Stop answering version 5"),
    },
}

PAST = {
    application: tuple(Idea(application, title, pulls) for title, pulls in ideas.items())
    for application, ideas in _PAST.items()
}

STATEMENT = Idea("Statements", "Statement PDF layout", ("Lay out statements in two columns", "Embed the fonts"))

NEXT_WEEK = (
    Idea("Sign-in", "Longer sessions on managed laptops", ("Keep sessions on managed laptops for eight hours",)),
    Idea("Direct debit", "Refund of double debits", ("Find double debits", "Refund a double debit with one click")),
)
QUEUE = (
    Idea("Mobile gateway", "", ("Let people choose their branch",)),
    Idea("Ledger", "", ("Show open items by age",)),
    Idea("Claims intake", "", ("Ask for the weather on the day", "Translate the form into Spanish")),
)


def idea(application: str, number: int) -> Idea:
    """The application's idea of that number, counted from 0; when they are used up, its first ones continue."""
    ideas = PAST[application]
    found = ideas[number % len(ideas)]
    part = number // len(ideas) + 1
    return found if part == 1 else Idea(application, f"{found.title}, part {part}", found.pulls)
