"""`omniroute demo`: a helpdesk at work, from signed webhooks to ended conversations.

`script` is the story, `stage` the verbs it is written in, `world` what they act on, `narrator` what
is printed of it. `ledger` counts: what the provider was told is kept must be there, item by item.
"""
