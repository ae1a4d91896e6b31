"""The probe: a stranger's callable, called by N threads at once in a fresh process, and what came of it.

place (folder | container) --starts--> program     a fresh Python; stdlib only; tells what it sees
                                          |
report <---- marked JSON lines -----------+
  |
  +--> judgement --> Verdict
"""
