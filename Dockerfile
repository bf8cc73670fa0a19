# TORCH_INDEX is the package index torch comes from. Empty means PyPI, whose Linux builds carry CUDA and are
# several times larger; whyloss computes on the CPU, so PyTorch's own index of CPU builds is enough:
#   docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu -t whyloss .

FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=
WORKDIR /src
ENV PATH=/opt/whyloss/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/whyloss
COPY pyproject.toml requirements.lock ./
RUN sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml > torch.txt \
    && pip install -r torch.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} \
    && pip install --require-hashes --no-deps -r requirements.lock
COPY README.md LICENSE ./
COPY bot bot
COPY explainers explainers
# Left out is what only building against torch, and testing it or sympy or numpy, needs. Bytecode is bound to the
# source's content and not to its date, so that two builds give the same files.
WORKDIR /opt/whyloss/lib/python3.11/site-packages
RUN pip install --no-deps --no-build-isolation /src \
    && pip check \
    && pip uninstall --yes pip \
    && rm -rf torch/include torch/test torch/share torch/lib/*_test.so torch/lib/*.a \
    && find torch/bin -type f ! -name torch_shm_manager -delete \
    && find sympy numpy mpmath networkx -type d -name tests -prune -exec rm -rf {} + \
    && python -m compileall -q -x py312_ --invalidation-mode unchecked-hash .

FROM python:3.11-slim-bookworm
# The same numbers on every machine: a Kubernetes manifest names them, and both services share a socket's folder.
RUN groupadd --gid 10001 whyloss \
    && useradd --uid 10001 --gid whyloss --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin whyloss \
    && install -d -o whyloss -g whyloss -m 0700 /run/whyloss /var/lib/whyloss
COPY --from=build /opt/whyloss /opt/whyloss
# The root file system can be read-only: only /run/whyloss (the socket) and /var/lib/whyloss (the bot's) are written.
ENV PATH=/opt/whyloss/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /var/lib/whyloss
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s CMD ["whyloss", "health"]
ENTRYPOINT ["whyloss"]
CMD ["evaluator"]
