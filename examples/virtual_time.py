"""A desk in a test: forty seconds pass in none, and a late answer is noticed to the microsecond."""

from __future__ import annotations

from pathlib import Path

import omniroute as om
from omniroute.testing import play

with play(Path(__file__).with_name("helpdesk.toml")) as p:
    p.agent("dora").on()
    first = p.contact("Maria", on="whatsapp-platinum").writes("My router is dead")
    p.agent("dora").replies(first, "Please hold the reset button for 5 seconds")

    p.advance("1m")
    second = p.contact("Viktor", on="whatsapp-platinum").writes("We are offline!")
    assert second.state is om.State.QUEUED  # Dora holds one conversation and takes no more

    for change in p.advance("40s1ms"):
        print(f"{change.at:%H:%M:%S.%f} {type(change.event).__name__}")

    p.agent("dora").ends(first, disposition="solved")
    assert p.agent("dora").holds[0].id == second.id  # the freed slot goes to who waits longest
    p.agent("dora").replies(second, "Sorry for the wait")
    print(p.contact("Viktor").got)
    print(p.report(second.id))
