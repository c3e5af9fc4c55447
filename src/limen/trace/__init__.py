"""What happened, from the flows themselves: events, where they go, what they may show."""

from limen.trace.event import TraceEvent as TraceEvent
from limen.trace.recorder import traced_as as traced_as
from limen.trace.sink import NullSink as NullSink
from limen.trace.sink import RingSink as RingSink
from limen.trace.sink import Sink as Sink
from limen.trace.viewer import Traced as Traced
from limen.trace.viewer import Viewer as Viewer
