"""Site-by-site transfer matrices of Ising strips and cylinders.

The vector ψ over the 2^width states of the last `width` sites is carried along the strip; one site
costs 2^width additions. Bit c of a state is set where the spin in column c is up.
"""

from math import exp, log

import numba
import numpy as np

LOG_RANGE = 300.0  # beyond this sum of |βJ| and |βh| around a row, entries of ψ could underflow


@numba.njit(cache=True)
def add_site(before, after, column, width, down, left, field):
    """Write ψ (2**width,) with the spin in a column replaced by the next row's.

    `down` and `left` are ``βJ`` to the spin that is replaced and to the column before. `before` and
    `after` may be the same array.
    """
    same, other = exp(down), exp(-down)
    bit = 1 << column
    half = bit >> 1
    for base in range(0, 1 << width, 2 * bit):
        for part in range(2 if column else 1):
            lean = left * (2 * part - 1) + field if column else field
            up, low = exp(lean), exp(-lean)
            first = base + part * half
            stop = first + (half if column else 1)
            for k in range(first, stop):
                a, b = before[k], before[k + bit]
                after[k] = (same * a + other * b) * low
                after[k + bit] = (other * a + same * b) * up


@numba.njit(cache=True)
def close_row(psi, width, wrap):
    """Multiply by the coupling between the first and the last column."""
    same, other = exp(wrap), exp(-wrap)
    last = 1 << (width - 1)
    for k in range(0, 1 << width, 2):
        psi[k] *= other if k & last else same
        psi[k + 1] *= same if k & last else other


@numba.njit(cache=True)
def remove_site(before, adjoint, column, width, down, left, field, moments):
    """Pull the adjoint of ψ back through `add_site`, in place, and write the site's moments.

    `before` is ψ before the site was added; `adjoint`, the derivative of Z after it, becomes that
    before it, divided so that ``before · adjoint = 1``. `moments` (3,) receives the means of the
    products with the replaced spin and with the column before, and of the spin.
    """
    same, other = exp(down), exp(-down)
    bit = 1 << column
    half = bit >> 1
    total = vertical = horizontal = mean = 0.0
    for base in range(0, 1 << width, 2 * bit):
        for part in range(2 if column else 1):
            side = 2.0 * part - 1.0 if column else 0.0
            lean = left * side + field
            up, low = exp(lean), exp(-lean)
            first = base + part * half
            stop = first + (half if column else 1)
            sum_up = sum_low = agree = 0.0
            for k in range(first, stop):
                a, b = before[k], before[k + bit]
                f, g = adjoint[k] * low, adjoint[k + bit] * up
                same_low, same_up = same * a * f, same * b * g
                mixed_low, mixed_up = other * b * f, other * a * g
                adjoint[k] = same * f + other * g
                adjoint[k + bit] = other * f + same * g
                sum_low += same_low + mixed_low
                sum_up += same_up + mixed_up
                agree += same_low + same_up - mixed_low - mixed_up
            total += sum_low + sum_up
            vertical += agree
            mean += sum_up - sum_low
            horizontal += side * (sum_up - sum_low)
    moments[0], moments[1], moments[2] = vertical / total, horizontal / total, mean / total
    adjoint /= total


@numba.njit(cache=True)
def add_row(psi, row, coupling, field, site, vertical, horizontal, wrap):
    """Add a whole row in place and divide by the largest entry; return the log of that."""
    width = site.shape[1]
    for c in range(width):
        down = coupling[vertical[row, c]] if vertical[row, c] >= 0 else 0.0
        left = coupling[horizontal[row, c]] if horizontal[row, c] >= 0 else 0.0
        add_site(psi, psi, c, width, down, left, field[site[row, c]])
    if wrap[row] >= 0:
        close_row(psi, width, coupling[wrap[row]])
    top = psi.max()
    psi /= top
    return log(top)


@numba.njit(cache=True)
def range_of_rows(coupling, field, site, vertical, horizontal, wrap):
    """Return the largest sum of |βJ| and |βh| that involve two neighbouring rows."""
    rows, width = site.shape
    largest = before = 0.0
    for row in range(rows):
        total = abs(coupling[wrap[row]]) if wrap[row] >= 0 else 0.0
        for c in range(width):
            total += abs(field[site[row, c]])
            if vertical[row, c] >= 0:
                total += abs(coupling[vertical[row, c]])
            if horizontal[row, c] >= 0:
                total += abs(coupling[horizontal[row, c]])
        largest = max(largest, before + total)
        before = total
    return largest


@numba.njit(cache=True)
def strip_moments(coupling, field, site, vertical, horizontal, wrap):
    """Return log Z, ``⟨s_i s_j⟩`` of every edge and ``⟨s_i⟩``.

    ψ is kept at every √rows-th row and recomputed in between, so memory grows with the square root
    of the length.

    `coupling` (m,): ``βJ``; `field` (n,): ``βh``; `site` (rows, width): vertex at each place of the
    strip; `vertical`, `horizontal` (rows, width): edge to the row before and to the column before,
    -1 for none; `wrap` (rows,): edge between the first and the last column, -1 for none. Returns
    `log_z`: naN where couplings are so strong that ψ could underflow; `pairs` (m,); `mean` (n,).
    """
    rows, width = site.shape
    size = 1 << width
    pairs, mean = np.zeros(coupling.size), np.zeros(field.size)
    if not range_of_rows(coupling, field, site, vertical, horizontal, wrap) <= LOG_RANGE:
        return np.nan, pairs * np.nan, mean * np.nan
    step = int(np.ceil(np.sqrt(rows)))
    segments = (rows + step - 1) // step
    coarse, fine = np.empty((segments, size)), np.empty((step, size))
    sites = np.empty((width + 1, size))
    # before the first row all states stand for nothing: each is 1 / 2^width of one
    psi = np.full(size, 0.5**width)
    log_z = 0.0
    for row in range(rows):
        if row % step == 0:
            coarse[row // step] = psi
        log_z += add_row(psi, row, coupling, field, site, vertical, horizontal, wrap)
    log_z += log(psi.sum())
    adjoint = np.ones(size)
    moments = np.empty(3)
    for segment in range(segments - 1, -1, -1):
        begin = segment * step
        end = min(begin + step, rows)
        psi[:] = coarse[segment]
        for row in range(begin, end):
            fine[row - begin] = psi
            add_row(psi, row, coupling, field, site, vertical, horizontal, wrap)
        for row in range(end - 1, begin - 1, -1):
            sites[0] = fine[row - begin]
            for c in range(width):
                down = coupling[vertical[row, c]] if vertical[row, c] >= 0 else 0.0
                left = coupling[horizontal[row, c]] if horizontal[row, c] >= 0 else 0.0
                add_site(sites[c], sites[c + 1], c, width, down, left, field[site[row, c]])
            if wrap[row] >= 0:
                close_row(adjoint, width, coupling[wrap[row]])
                total = agree = 0.0
                last = 1 << (width - 1)
                for k in range(size):
                    mass = sites[width, k] * adjoint[k]
                    total += mass
                    agree += mass if (k & 1) == ((k & last) != 0) else -mass
                pairs[wrap[row]] = agree / total
            for c in range(width - 1, -1, -1):
                down = coupling[vertical[row, c]] if vertical[row, c] >= 0 else 0.0
                left = coupling[horizontal[row, c]] if horizontal[row, c] >= 0 else 0.0
                remove_site(sites[c], adjoint, c, width, down, left, field[site[row, c]], moments)
                if vertical[row, c] >= 0:
                    pairs[vertical[row, c]] = moments[0]
                if horizontal[row, c] >= 0:
                    pairs[horizontal[row, c]] = moments[1]
                mean[site[row, c]] = moments[2]
    return log_z, pairs, mean
