"""What the table lacks on purpose, by torch's short name, and why: said in the answer and on the page of operations."""

from __future__ import annotations

from explainers.messages import Message, said


def reason(name: str) -> Message | None:
    """Why a function's result is taken as torch gave it; None where nothing is known but that it is not there."""
    return next((why for names, why in reasons().items() if name in names.split()), None)


def singular_values() -> Message:
    """Why no norm or number that is made of them is derived."""
    return said(
        "eigenvalues and singular values are roots of a polynomial, which torch finds by iteration; an enclosure "
        "follows a fixed number of operations"
    )


def reasons() -> dict[str, Message]:
    """The reasons by the names, between blanks, that each holds for."""
    return {
        "eig eigh eigvals eigvalsh svd svdvals svd_lowrank pca_lowrank lobpcg matrix_rank nuclear_norm cond pinv "
        "pinverse lstsq": singular_values(),
        "cholesky cholesky_solve cholesky_inverse qr lu lu_factor lu_solve ldl_factor ldl_solve solve_triangular "
        "triangular_solve householder_product": said(
            "each entry of a factorization hangs on those before it; of matrices, determinants, inverses and "
            "solutions of at most 4 rows are written out"
        ),
        "matrix_exp": said("it is a series of matrix products, and what torch leaves out of it is not bounded here"),
        "fft ifft fft2 ifft2 fftn ifftn rfft irfft rfft2 irfft2 rfftn irfftn hfft ihfft stft istft complex polar angle "
        "real imag view_as_complex view_as_real conj": said("complex numbers are not in the table"),
        "floor ceil round trunc fix frac fmod remainder floor_divide": said(
            "it jumps from number to number and passes no gradient that a derivation could show"
        ),
        "bessel_j0 bessel_j1 bessel_y0 bessel_y1 modified_bessel_i0 modified_bessel_i1 modified_bessel_k0 "
        "modified_bessel_k1 spherical_bessel_j0 airy_ai erfcx gammainc gammaincc igamma igammac mvlgamma multigammaln "
        "ndtri zeta": said("torch takes it by a series or a quotient whose error has not been measured here"),
        "bincount histc histogram bucketize searchsorted unique": said(
            "it counts or finds places, which have no slope"
        ),
    }  # fmt: skip


def upstream() -> dict[str, Message]:
    """The same of what is given in every program, and so is no news in an answer: layers and draws."""
    return {
        "batch_norm instance_norm group_norm layer_norm rms_norm local_response_norm embedding embedding_bag "
        "multi_head_attention_forward scaled_dot_product_attention lstm gru rnn_tanh rnn_relu conv_transpose1d "
        "conv_transpose2d conv_transpose3d interpolate upsample grid_sample affine_grid": said(
            "it is a layer of a network, and a model upstream is given, not derived"
        ),
        "dropout alpha_dropout feature_alpha_dropout dropout1d dropout2d dropout3d rrelu gumbel_softmax bernoulli "
        "multinomial normal poisson rand randn randint randperm": said("its numbers are drawn and taken as they fell"),
    }  # fmt: skip
