"""The audit: reads a service's source, never runs it, and says whether its loading function is guarded.

source (file | container) --ast--> program: an abstract run, first of the import, then of one call
                                      |
                                      v
                        trace: loads, publications, checks, with the locks held at each
                                      |
                                      v
                        rules --> Finding, Finding, …: what is certain, and what is a doubt

The abstract run knows where a lock was made: at import it is one for all calls, during a call it is one for
each. What it cannot know (an imported lock, who shares an instance) becomes a doubt, never silence.
"""
