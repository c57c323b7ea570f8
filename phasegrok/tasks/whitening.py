"""Orthonormal directions of uniform law, and inputs whitened over the examples themselves."""

import numpy as np
import numpy.typing as npt

__all__ = ["mapped_rows", "orthonormal_columns", "whitened"]

Array = npt.NDArray[np.float64]


def mapped_rows(rows: Array, matrix: Array) -> Array:
    """Rows (row, before) times a matrix (before, after).

    Unlike a product by BLAS, each row rounds alike among any number of rows, so that nested
    data stay nested bit by bit.
    """
    product: Array = np.einsum("ei,io->eo", rows, matrix, optimize=False)
    return product


def orthonormal_columns(source: np.random.Generator, *, size: int, count: int) -> Array:
    """Draw orthonormal directions of uniform law.

    Parameters
    ----------
    source : numpy.random.Generator
        Drawn from direction by direction.
    size, count : int
        Length and number of the directions, no more than the length.

    Returns
    -------
    (size, count) array
        Of length 1, the direction 1.
    """
    if size == 1:
        return np.ones((1, 1))
    columns, triangle = np.linalg.qr(source.standard_normal((count, size)).T)
    # The signs of QR are those of an implementation; without them the law is not uniform.
    return columns * np.where(np.diag(triangle) < 0.0, -1.0, 1.0)


def whitened(train: Array, test: Array) -> tuple[Array, Array]:
    """Map both sets by the symmetric matrix that makes trainᵀ train / n the unit matrix.

    Of all whitening maps it moves the inputs least (Kessy, Lewin, Strimmer, The American
    Statistician 72, 309 (2018)). From the singular values of the inputs themselves, so that
    nothing is squared.

    Parameters
    ----------
    train : (example, input) array
        At least as many examples as inputs, of full rank.
    test : (example, input) array
        Mapped alike.

    Returns
    -------
    train, test : (example, input) arrays
        Dimensionless.
    """
    left, spread, right = np.linalg.svd(train, full_matrices=False)
    root = np.sqrt(len(train))
    return root * (left @ right), (test @ right.T) * (root / spread) @ right
