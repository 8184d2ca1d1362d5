"""What a backend that works in a folder finds there: copies of what an ask is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from brengine.asks import Ask
from brengine.ports import Tree
from brengine.standing import Board
from brengine.workspace import Workspace


class Worktrees:
    """Lays out asks. `extras` are the files of the project's configuration."""

    def __init__(
        self, board: Callable[[], Board], workspace: Workspace, extras: Callable[[], Mapping[str, bytes]]
    ) -> None:
        self._board = board
        self._workspace = workspace
        self._extras = extras

    def __call__(self, ask: Ask) -> Tree | None:
        """The declared files, what their needs have made, data that is read; None where the ask is about no task.

        In a repair the declared files are those of the attempt before.
        """
        if ask.files is None:
            return None
        board = self._board()
        tasks = [board.tasks[member.task] for member in ask.members]
        needs = [board.tasks[name] for task in tasks for name in board.closure(task.id)]
        declared = ask.only or tuple(dict.fromkeys(path for task in tasks for path in task.files))
        paths = dict.fromkeys(path for task in (*needs, *tasks) for path in (*task.reads, *task.files))
        contents = {path: self._workspace.read(path) for path in paths}
        present = {path: content for path, content in contents.items() if content is not None}
        return Tree({**self._extras(), **present, **ask.files}, declared)
