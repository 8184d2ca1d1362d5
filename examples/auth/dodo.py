"""Build PROJECT_SPEC.md with doit: `doit`, `doit list`, `doit -n 4`, `doit feature:<id>`. `br build` does the same."""

from pathlib import Path

from brengine.doit_bridge import load

globals().update(load(Path(__file__).parent))

if __name__ == "__main__":
    import doit

    doit.run(globals())
