"""What `import loader` gives, and what it costs."""

from __future__ import annotations

import pytest

import loader
from tests.loader.fresh import last_line, run_python


@pytest.mark.parametrize("name", loader.__all__)
def test_every_public_name_can_be_fetched(name: str) -> None:
    assert getattr(loader, name).__class__ is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'get_lava_model'"):
        loader.get_lava_model  # noqa: B018 - the look-up is the test


def test_the_contracts_names_are_public() -> None:
    assert {"OnceLoader", "get_llava_model", "LoadTimeout", "RecursiveLoad", "MetaTensorError"} <= set(
        loader.__all__
    )


def test_no_name_imports_torch() -> None:
    done = run_python(
        """
        import sys, loader
        for name in loader.__all__:
            getattr(loader, name)
        print({"torch", "transformers", "accelerate"} & set(sys.modules) or "none")
        """
    )
    assert last_line(done) == "none"


def test_the_bare_import_brings_no_module_of_ours_with_it() -> None:
    done = run_python("import sys, loader; print(sum(name.startswith('loader') for name in sys.modules))")
    assert last_line(done) == "1"
