"""What the fork server imports before it forks: the libraries of a load. Nobody else imports this module."""

from loader.llava import import_libraries

import_libraries()
