"""Long-running operations behind HTTP: the stack that the guide is written from.

contract    what clients, work and guide agree on      settings    every knob, with its reason
store       the truth: tables, transitions, events      wakeups     signed "there is something new"
broker      Celery: hints that say "go and claim"       hub         one Redis reader, many streams
outbound    the one place that opens a socket out       auth        who is asking
work        one generator a kind                        worker      claim, checkpoint, finish
dispatcher  dispatch and reap                           api         HTTP
local       embedded servers and their supervisor       telemetry   one trace from POST to outbound
"""
