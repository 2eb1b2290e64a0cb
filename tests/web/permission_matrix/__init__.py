"""Who gets which answer from every address there is.

A new address needs a line in one of the three tables; a test fails until it has one.

GUARDED: pages behind a tool right. The four numbers are what the right gets for GET, an htmx GET, POST and
?export=csv. For everybody else one rule holds: signed out, the way to the sign-in page; with all rights but this one,
and in no group, 403; 405 where nobody may use the method. `of` makes what the address is about. `data` makes something
that belongs to a user: its owner must see it, and `others` says whether another person with the right does (SHOWN or
HIDDEN). For a page about one thing that belongs to somebody, `others` is the number that all others with the right get,
such as 404. `also` are further rights on the tool, without which it shows nothing.

A right may be for one school: test_schools.py asks each line with `data` of a tool that shows what others made. Where
that takes one more right, such as View/Cancel All, the person has it, and `everybodys` are the values with which a list
shows what is of others.

The fifth dimension is the row in the audit trail that each answer leaves. `look` is the row of a GET that is answered,
with the whole page or a fragment; `file` the one of an export; `does` the one of a POST with the values of `form`. A
refusal leaves "access.refused" in each table; where a line names no row, the answer leaves none.

OPEN: pages that need no right, with the four numbers for a visitor who is signed out, and for one who is signed in.

API: what answers to a token, one line for each method. Without a token 401, with all rights but this one 403, 405 for
methods without a line. Where several logs show a message, each of their rights has a line.
"""
