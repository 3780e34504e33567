"""How telling each kind of fact is: which of them a student hears first.

Fitted on the 164 programs of tests/data/buggy_python.jsonl and the wrong programs of
web/courses/seed, and on nothing else; `python -m tests.bench facts` prints what they reach. Of
those nearly none reads and prints: what is wrong with the form of an output is told before all.
"""

from __future__ import annotations

SCORES = {
    "prompt_printed": 1.4,
    "list_printed": 1.3,
    "object_printed": 1.3,
    "name_printed": 1.3,
    "blanks_differ": 1.3,
    "input_over": 1.3,
    "missing_function": 1.3,
    "called_otherwise": 1.3,
    "left_behind": 1.3,
    "output_ends": 1.2,
    "prints_nothing": 0.85,
    "syntax": 1.0,
    "printed_gave_none": 0.97,
    "dropped": 0.95,
    "always_true_part": 0.95,
    "one_list_many_times": 0.95,
    "wrong_name": 0.92,
    "no_number": 0.92,
    "parts_differ": 0.92,
    "no_whole_number": 0.92,
    "never_ends": 0.9,
    "grows_on": 0.9,
    "shrinks_on": 0.9,
    "limit_depth": 0.88,
    "out_of_range": 0.87,
    "missing_key": 0.87,
    "ends_first_round": 0.86,
    "stopped": 0.85,
    "parameter_overwritten": 0.85,
    "never_called": 0.8,
    "uncalled": 0.8,
    "another_type": 0.75,
    "loop_variable_overwritten": 0.7,
    "ended_without_value": 0.7,
    "last_unseen": 0.68,
    "prints_wrong": 0.68,
    "input_left": 0.72,
    "first_unseen": 0.62,
    "no_round": 0.6,
    "changed_input": 0.45,
    "against_passing": 0.5,
    "branch_not_taken": 0.5,
    "rounds": 0.42,
    "writes_answer": 0.4,
    "before_stop": 0.4,
    "hides_builtin": 0.4,
    "gives_back": 0.38,
    "branch_sometimes_taken": 0.36,
    "branch_always_taken": 0.35,
    "limit_time": 0.3,
    "limit_memory": 0.3,
    "first_difference": 1.8,
}
OCHIAI = 0.15
"""Weight of how much a line runs in failing cases only."""
CURE = 0.6
"""Weight of a change in the line after which the failing case passes."""
UNCURED = -0.1
"""Added for a loop's count of rounds where no change of the line helps: it may well be right."""
