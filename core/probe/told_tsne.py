"""scikit-learn's t-SNE, told how far it is and free to be cancelled; its result is the same, bit for bit."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE, _t_sne

from core.errors import ConvScopeError

Progress = Callable[[int, int], None]
_FINISH = "_kl_divergence_bh"  # the objective of scikit-learn's gradient descent, asked once per step


def check_places(values: NDArray[np.floating]) -> None:
    """Raise `ConvScopeError` unless all values are finite."""
    if not np.isfinite(values).all():
        raise ConvScopeError("t-SNE ran away on these numbers: choose another layout, another layer or another epoch.")


class ToldTSNE(TSNE):
    """`sklearn.manifold.TSNE` with its gradient descent in this class's hands, because it has no callback.

    Both stages of `TSNE._tsne` are repeated here call by call, with an objective that counts: a test holds the result
    against the original. Probabilities or places that are not finite end it with a `ConvScopeError`.
    """

    progress: Progress | None = None

    def _tsne(
        self,
        P: Any,
        degrees_of_freedom: int,
        n_samples: int,
        X_embedded: NDArray[np.float32],
        neighbors: Any = None,
        skip_num_points: int = 0,
    ) -> NDArray[np.float32]:
        asked = 0
        check_places(P.data)

        def objective(*args: Any, **words: Any) -> Any:
            nonlocal asked
            asked += 1
            check_places(args[0])  # what follows is native code that takes them as they are
            if self.progress is not None:
                self.progress(min(asked, self.max_iter), self.max_iter)
            return getattr(_t_sne, _FINISH)(*args, **words)

        steps: dict[str, Any] = {
            "n_iter_check": self._N_ITER_CHECK,
            "min_grad_norm": self.min_grad_norm,
            "learning_rate": self.learning_rate_,
            "args": [P, degrees_of_freedom, n_samples, self.n_components],
            "kwargs": {"skip_num_points": skip_num_points, "angle": self.angle, "verbose": 0, "num_threads": 1},
        }
        first = self._EXPLORATION_MAX_ITER
        early = {"it": 0, "max_iter": first, "n_iter_without_progress": first, "momentum": 0.5}
        P *= self.early_exaggeration  # in place, as scikit-learn does: `steps` holds the same matrix
        params, self.kl_divergence_, it = _t_sne._gradient_descent(objective, X_embedded.ravel(), **steps, **early)
        P /= self.early_exaggeration
        if it < first or self.max_iter > first:
            late = {"it": it + 1, "max_iter": self.max_iter, "momentum": 0.8}
            late["n_iter_without_progress"] = self.n_iter_without_progress
            params, self.kl_divergence_, it = _t_sne._gradient_descent(objective, params, **steps, **late)
        self.n_iter_ = it
        if self.progress is not None:  # it stops early where nothing moves any more
            self.progress(self.max_iter, self.max_iter)
        found: NDArray[np.float32] = params.reshape(n_samples, self.n_components)
        return found
