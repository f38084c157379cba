"""A restricted Boltzmann machine as a scikit-learn transformer, with a normalised likelihood."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from numpy.typing import NDArray
from scipy.special import expit

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "pymc_ebm.sklearn needs scikit-learn: pip install 'pymc_ebm[sklearn]'."
    ) from error

import pymc as pm

from pymc_ebm import energies
from pymc_ebm.learn.cd import CD
from pymc_ebm.learn.counts import whole
from pymc_ebm.learn.fitting import fit
from pymc_ebm.learn.learned import Learned
from pymc_ebm.learn.maximum_likelihood import MaximumLikelihood
from pymc_ebm.learn.optimizer import Optimizer
from pymc_ebm.learn.pcd import PCD
from pymc_ebm.learn.rows import Rows
from pymc_ebm.learn.scoring import score
from pymc_ebm.learn.tempered_pcd import TemperedPCD

METHODS = ("pcd", "cd", "tempered", "exact")


class RBM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Restricted Boltzmann machine for pipelines and grid searches.

    Beside `sklearn.neural_network.BernoulliRBM`: `score_samples` and `score` are normalised
    log-likelihoods, not a pseudo-likelihood, so models of different sizes compare.

    Parameters
    ----------
    n_components : int, default 256
        Hidden units.
    method : {"pcd", "cd", "tempered", "exact"}, default "pcd"
        How gradients are had: `PCD`, `CD`, `TemperedPCD`, or `MaximumLikelihood`, which needs 26
        units or fewer in one layer.
    n_chains : int, default 64
        Chains of ``"pcd"``, ladders of ``"tempered"``.
    k : int, default 1
        Sweeps of the chains a step.
    learning_rate : float, default 0.01
        Of Adam.
    batch_size : int, default 64
        Rows a step.
    n_iter : int, default 10
        Passes over the data.
    binarize : float or None, default 0.5
        Values above become 1, others 0. None: values are 0 and 1 already.
    random_state : int, RandomState or None
        Source of randomness.
    verbose : bool, default False
        Show a progress bar.

    Attributes
    ----------
    components_ : ndarray, shape (n_components, n_features)
        Weights.
    intercept_hidden_, intercept_visible_ : ndarray
        Biases.
    energy_ : energies.RBM
        The energy, for PyMC models.
    log_partition_, log_partition_se_ : float
        log Z and its standard error (0 if exact); computed when first asked for.
    n_features_in_ : int
        Number of visible units.

    Examples
    --------
    >>> import numpy as np
    >>> from pymc_ebm.sklearn import RBM
    >>> rows = np.array([[0, 0, 1], [1, 0, 0], [1, 1, 1]])
    >>> machine = RBM(2, n_iter=5, batch_size=3, random_state=1).fit(rows)
    >>> machine.transform(rows).shape, machine.score_samples(rows).shape
    ((3, 2), (3,))
    """

    _normalised: tuple[float, float] | None
    _training: Any
    _settings: dict[str, Any]

    def __init__(
        self,
        n_components: int = 256,
        *,
        method: str = "pcd",
        n_chains: int = 64,
        k: int = 1,
        learning_rate: float = 0.01,
        batch_size: int = 64,
        n_iter: int = 10,
        binarize: float | None = 0.5,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.n_components = n_components
        self.method = method
        self.n_chains = n_chains
        self.k = k
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.binarize = binarize
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the machine to rows of data.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Rows.
        y : None
            Not used.
        """
        rows, seed = self._rows(X, reset=True), self._seed()
        self._log_z_seed = seed
        result = fit(
            self._start(rows.shape[1], seed),
            rows,
            method=self._method(),
            optimizer=pm.adam(learning_rate=self.learning_rate),
            epochs=self.n_iter,
            batch_size=min(self.batch_size, len(rows)) if len(rows) > 1 else None,
            score_every=0,
            random_seed=seed,
            progressbar=bool(self.verbose),
        )
        self._keep({n: np.asarray(v.eval()) for n, v in result.energy.parameters.items()})
        self._training = None
        self._rng = np.random.default_rng(seed)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Make one step on rows of data; chains and optimiser go on from the last call.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            One batch.
        y : None
            Not used.
        """
        first = not hasattr(self, "components_")
        rows, settings = self._rows(X, reset=first), self.get_params()
        if first or getattr(self, "_training", None) is None or self._settings != settings:
            seed, self._settings = self._seed(), settings
            if first:
                self._log_z_seed = seed
            elif len(self.components_) != self.n_components:
                raise ValueError(
                    f"RBM: n_components={self.n_components}, and {len(self.components_)} units "
                    "have been learned. Fit anew, or set it back."
                )
            energy = self._start(rows.shape[1], seed) if first else self.energy_
            checked, rng = Rows(rows, energy), np.random.default_rng(seed)
            learned = Learned(energy, dtype=checked.dtype)
            descent = self._method().descent(learned, checked, rng)
            optimizer = Optimizer(pm.adam(learning_rate=self.learning_rate), learned.free)
            self._training = learned, descent, optimizer, rng
        learned, descent, optimizer, rng = self._training
        _loss, gradient = descent.gradient(rows.astype(learned.free["W"].dtype), rng)
        optimizer.step(gradient, 1.0)
        descent.settle()
        self._keep(learned.values)
        return self

    def transform(self, X: Any) -> NDArray:
        """Return ``P(h_j = 1 | v)``, shape (n_samples, n_components).

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Rows.
        """
        return self._up(X)

    def gibbs(self, v: Any) -> NDArray:
        """Draw hidden units given visible ones, then visible ones given those.

        Parameters
        ----------
        v : array_like, shape (n_samples, n_features)
            Visible units.
        """
        rng, up = self._rng, self._up(v)
        hidden = (rng.random(up.shape) < up).astype(up.dtype)
        down = expit(hidden @ self.components_ + self.intercept_visible_)
        return (rng.random(down.shape) < down).astype(up.dtype)

    def score_samples(self, X: Any) -> NDArray:
        """Return the normalised log-likelihood of each row, in nats.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Rows.
        """
        check_is_fitted(self)
        rows = self._rows(X)
        pushed = np.logaddexp(0.0, rows @ self.components_.T + self.intercept_hidden_).sum(axis=1)
        return rows @ self.intercept_visible_ + pushed - self.log_partition_

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log-likelihood, by which grid searches choose.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Rows.
        y : None
            Not used.
        """
        return float(np.mean(self.score_samples(X)))

    @property
    def energy_(self) -> energies.RBM:
        """The energy with the learned numbers."""
        check_is_fitted(self, "components_")
        return energies.RBM(self.components_.T, self.intercept_visible_, self.intercept_hidden_)

    @property
    def log_partition_(self) -> float:
        """The logarithm of Z, exact where one layer is small, else annealed."""
        return self._log_z()[0]

    @property
    def log_partition_se_(self) -> float:
        """Standard error of `log_partition_`, 0 if it is exact."""
        return self._log_z()[1]

    def _up(self, X: Any) -> NDArray:
        """Return the hidden units' probabilities as an array, whatever `set_output` says."""
        check_is_fitted(self)
        return expit(self._rows(X) @ self.components_.T + self.intercept_hidden_)

    def _log_z(self) -> tuple[float, float]:
        check_is_fitted(self)
        if self._normalised is None:
            one = np.zeros((1, self.n_features_in_))
            found = score(self.energy_, one, random_seed=self._log_z_seed, progressbar=False)
            self._normalised = float(found.log_partition), float(found.log_partition_se)
        return self._normalised

    def _keep(self, values: dict[str, NDArray]) -> None:
        values = {name: value.astype(float) for name, value in values.items()}
        self.components_ = values["W"].T
        self.intercept_visible_, self.intercept_hidden_ = values["b"], values["c"]
        self._n_features_out = len(self.components_)
        self._normalised = None
        if not hasattr(self, "_rng"):
            self._rng = np.random.default_rng(self._seed())

    def _start(self, width: int, seed: int) -> energies.RBM:
        units = whole("RBM", "n_components", self.n_components)
        return energies.RBM.random(width, units, random_seed=seed)

    def _method(self) -> Any:
        methods: dict[str, Any] = {
            "pcd": lambda: PCD(chains=self.n_chains, k=self.k),
            "cd": lambda: CD(k=self.k),
            "tempered": lambda: TemperedPCD(chains=self.n_chains, k=self.k),
            "exact": MaximumLikelihood,
        }
        if self.method not in METHODS:
            raise ValueError(f"RBM: method={self.method!r} is none of {', '.join(METHODS)}.")
        return methods[self.method]()

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _rows(self, X: Any, reset: bool = False) -> NDArray:
        """Check rows as scikit-learn does, and turn them into zeros and ones."""
        rows = validate_data(self, X, dtype=[np.float64, np.float32], reset=reset)
        if self.binarize is not None:
            return (rows > self.binarize).astype(rows.dtype)
        wrong = (rows != 0) & (rows != 1)
        if wrong.any():
            row, column = (int(k) for k in np.argwhere(wrong)[0])
            raise ValueError(
                f"RBM: X has {rows[row, column]:g} at row {row}, column {column}, and "
                "binarize=None takes 0 and 1 alone. Pass binarize=0.5, say."
            )
        return rows

    def __getstate__(self) -> dict[str, Any]:
        """Leave out compiled functions and chains."""
        state = {**super().__getstate__()}
        if "_training" in state:
            state["_training"] = None
        return state
