"""bin/chaos: a site whose parts are killed and frozen while messages go out, syncs run and cancels are pressed.

plan       what a round does and when, by its seed
site       the parts of the site: start, kill, freeze, go on
traffic    what people do meanwhile: send, cancel, ask for reports and syncs
provider   what the stand-in was asked, what it accepted, and what it reported
calm       what is not finished yet
watch      whether somebody is told that a part is away
verdict    compares the provider's record with the ledger
round      one round of all this
"""
