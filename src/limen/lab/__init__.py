"""The Lab: one scenario, run for real under every strategy, shown side by side.

It drives Limen as an application would and reads nothing but the trace. It is a program of
its own (`limen lab`), with keys and a database that live as long as one run.
"""

from limen.lab.attach import Lab as Lab
