"""Better settings within a stated budget; the only door to Optuna.

Settings are tried on the training rows of the oldest fold alone: fitted on their earlier part, judged by log-loss
on their later part. No test period is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jcml.training.plan import Search


def search_settings(
    judge: Callable[[dict[str, Any]], float], plan: Search, *, seed: int, say: Callable[[str], None] = lambda text: None
) -> tuple[dict[str, Any], int]:
    """The settings that `judge` found best (lowest), and how many were tried; the defaults are tried first.

    Parameters
    ----------
    judge : callable
        Settings to a loss; lower is better.
    plan : Search
        At most so many trials and minutes.

    Examples
    --------
    >>> best, tried = search_settings(lambda s: abs(s.get("num_leaves", 15) - 7), Search(trials=5), seed=1)
    >>> tried
    5
    """
    if not plan.trials:
        return {}, 0
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        settings = {
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 4, 63, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 5, 200, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.3, 1.0),
            "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 50.0, log=True),
        }
        loss = judge(settings)
        say(f"{trial.number + 1}/{plan.trials}")
        return loss

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial({
        "learning_rate": 0.04, "num_leaves": 15, "min_data_in_leaf": 20, "feature_fraction": 0.8,
        "bagging_fraction": 0.8, "lambda_l2": 5.0,
    })
    study.optimize(objective, n_trials=plan.trials, timeout=plan.minutes * 60)
    return dict(study.best_params), len(study.trials)
