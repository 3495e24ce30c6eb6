"""The gate, walked over a past range: nothing here decides, it calls the gate's own code at other times.

when       times as people write them           spans      which weight was live when, from the history
walk       the looks of one gate over a span    asked      asks a server each question once
tell       the walk in words and as JSON        plot       the walk as a picture
increase   PromQL's arithmetic over samples     series     answers from recorded samples
record     what a replay needs, off a server    file       how it is written and read back
"""

from __future__ import annotations
