#!/bin/sh
# What the image runs: `worker`, `console`, or any other command of `python -m dashboard`.
# exec: the program takes this shell's place, so that the engine's signals reach it.
case "$1" in
  worker)
    shift
    exec python -m loader.worker --host 0.0.0.0 --port 8000 "$@" ;;
  console)
    shift
    exec python -m dashboard serve --host 0.0.0.0 --port 8501 "$@" ;;
  *)
    exec python -m dashboard "$@" ;;
esac
