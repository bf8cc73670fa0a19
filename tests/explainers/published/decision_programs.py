"""Losses of policies, values, preferences, rankings, sequences and survival as people write them."""

from __future__ import annotations

PPO = """\
from torch.distributions import Categorical
logits = torch.tensor([[0.5, 1.0, -0.2], [0.1, 0.0, 0.3], [1.0, -1.0, 0.0]], requires_grad=True)
values = torch.tensor([0.3, 0.1, -0.2], requires_grad=True)
actions = torch.tensor([1, 0, 2])
old_logprobs = torch.tensor([-0.8, -1.1, -1.4])
returns, advantages = torch.tensor([1.0, 0.2, -0.5]), torch.tensor([0.7, 0.1, -0.3])
advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
dist = Categorical(logits=logits)
logratio = dist.log_prob(actions) - old_logprobs
ratio = logratio.exp()
pg_loss1 = -advantages * ratio
pg_loss2 = -advantages * torch.clamp(ratio, 1 - 0.2, 1 + 0.2)
pg_loss = torch.max(pg_loss1, pg_loss2).mean()
v_loss = 0.5 * ((values - returns) ** 2).mean()
entropy_loss = dist.entropy().mean()
loss = pg_loss - 0.01 * entropy_loss + 0.5 * v_loss
loss.backward()
print(loss)
"""
GAE = """\
rewards = torch.tensor([1.0, 0.0, 0.5, 1.0])
values = torch.tensor([0.5, 0.4, 0.3, 0.6, 0.0], requires_grad=True)
log_probs = torch.tensor([-0.7, -1.2, -0.3, -0.9], requires_grad=True)
gamma, lam = 0.99, 0.95
gae, advantages = 0, []
for t in reversed(range(4)):
    delta = rewards[t] + gamma * values[t + 1] - values[t]
    gae = delta + gamma * lam * gae
    advantages.insert(0, gae)
advantages = torch.stack(advantages)
policy_loss = -(log_probs * advantages.detach()).mean()
value_loss = F.mse_loss(values[:-1], (advantages + values[:-1]).detach())
loss = policy_loss + 0.5 * value_loss
loss.backward()
print(loss)
"""
DQN = """\
torch.manual_seed(0)
policy_net, target_net = nn.Linear(3, 2), nn.Linear(3, 2)
state, next_state = torch.randn(4, 3), torch.randn(4, 3)
action, reward = torch.tensor([[0], [1], [1], [0]]), torch.tensor([1.0, 0.0, -1.0, 0.5])
done = torch.tensor([0., 0., 1., 0.])
q = policy_net(state).gather(1, action)
with torch.no_grad():
    next_q = target_net(next_state).max(1)[0]
expected = (next_q * 0.99) * (1 - done) + reward
loss = F.smooth_l1_loss(q, expected.unsqueeze(1))
loss.backward()
print(loss)
"""
QR_DQN = """\
def quantile_huber_loss(theta, target, kappa=1.0):
    N = theta.shape[1]
    tau = (torch.arange(N).float() + 0.5) / N
    td = target.unsqueeze(1) - theta.unsqueeze(2)
    huber = torch.where(td.abs() <= kappa, 0.5 * td.pow(2), kappa * (td.abs() - 0.5 * kappa))
    loss = (tau.view(1, -1, 1) - (td.detach() < 0).float()).abs() * huber / kappa
    return loss.sum(dim=1).mean(dim=1).mean()
torch.manual_seed(0)
theta = torch.randn(2, 4, requires_grad=True)
loss = quantile_huber_loss(theta, torch.randn(2, 4))
loss.backward()
print(loss)
"""
SAC = """\
torch.manual_seed(0)
mean, log_std = torch.randn(3, 2, requires_grad=True), torch.tensor([[-0.5, -1.0]] * 3, requires_grad=True)
normal = torch.distributions.Normal(mean, log_std.exp())
x_t = normal.rsample()
y_t = torch.tanh(x_t)
log_prob = normal.log_prob(x_t) - torch.log(1 - y_t.pow(2) + 1e-6)
log_prob = log_prob.sum(1, keepdim=True)
q = (y_t ** 2).sum(1, keepdim=True)
loss = (0.2 * log_prob - q).mean()
loss.backward()
print(loss)
"""
DPO = """\
def dpo_loss(policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps, beta):
    pi_logratios = policy_chosen_logps - policy_rejected_logps
    ref_logratios = reference_chosen_logps - reference_rejected_logps
    logits = pi_logratios - ref_logratios
    losses = -F.logsigmoid(beta * logits)
    chosen_rewards = beta * (policy_chosen_logps - reference_chosen_logps).detach()
    return losses.mean()
def get_batch_logps(logits, labels):
    labels = labels[:, 1:].clone()
    logits = logits[:, :-1, :]
    loss_mask = (labels != -100)
    labels[labels == -100] = 0
    per_token_logps = torch.gather(logits.log_softmax(-1), dim=2, index=labels.unsqueeze(2)).squeeze(2)
    return (per_token_logps * loss_mask).sum(-1)
torch.manual_seed(0)
logits = torch.randn(4, 3, 5, requires_grad=True)
labels = torch.tensor([[1, 2, 3], [0, 4, -100], [1, 1, 2], [3, 0, -100]])
all_logps = get_batch_logps(logits, labels)
loss = dpo_loss(all_logps[:2], all_logps[2:], torch.tensor([-3.0, -1.5]), torch.tensor([-2.5, -2.0]), 0.1)
loss.backward()
print(loss)
"""
KTO = """\
beta = 0.1
policy_chosen, policy_rejected = (torch.tensor([-3.2, -1.0], requires_grad=True),
                                  torch.tensor([-2.0, -4.0], requires_grad=True))
ref_chosen, ref_rejected = torch.tensor([-3.0, -1.5]), torch.tensor([-2.5, -3.0])
kl = (torch.tensor([-2.1, -2.4]) - torch.tensor([-2.3, -2.2])).mean().clamp(min=0)
chosen_losses = 1 - F.sigmoid(beta * ((policy_chosen - ref_chosen) - kl))
rejected_losses = 1 - F.sigmoid(beta * (kl - (policy_rejected - ref_rejected)))
losses = torch.cat((1.0 * chosen_losses, 1.33 * rejected_losses), 0)
loss = losses.nanmean()
loss.backward()
print(loss)
"""
GRPO = """\
torch.manual_seed(0)
rewards = torch.tensor([[1.0, 0.0, 0.5, 1.0]])
logp = torch.randn(4, 3, requires_grad=True)
old, ref = logp.detach() + 0.1, torch.randn(4, 3)
mask = torch.tensor([[1., 1., 1.], [1., 1., 0.], [1., 0., 0.], [1., 1., 1.]])
adv = ((rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)).view(-1, 1)
ratio = torch.exp(logp - old)
per_token = torch.min(ratio * adv, torch.clamp(ratio, 0.8, 1.2) * adv)
kl = torch.exp(ref - logp) - (ref - logp) - 1
loss = -(((per_token - 0.04 * kl) * mask).sum(1) / mask.sum(1)).mean()
loss.backward()
print(loss)
"""
CTC_BY_HAND = """\
def ctc(log_probs, target, blank=0):
    T, S = log_probs.shape[0], 2 * len(target) + 1
    ext = [blank]
    for c in target:
        ext += [c, blank]
    neg = torch.tensor(-1e5)
    alpha = [log_probs[0, ext[s]] if s < 2 else neg for s in range(S)]
    for t in range(1, T):
        new = []
        for s in range(S):
            a = [alpha[s]]
            if s > 0:
                a.append(alpha[s - 1])
            if s > 1 and ext[s] != blank and ext[s] != ext[s - 2]:
                a.append(alpha[s - 2])
            new.append(torch.logsumexp(torch.stack(a), 0) + log_probs[t, ext[s]])
        alpha = new
    return -torch.logsumexp(torch.stack(alpha[-2:]), 0)
torch.manual_seed(0)
logits = torch.randn(4, 3, requires_grad=True)
loss = ctc(logits.log_softmax(1), [1, 2])
loss.backward()
print(loss)
"""
CRF = """\
def crf_nll(emissions, tags, transitions):
    score = emissions[0, tags[0]]
    for i in range(1, len(tags)):
        score = score + transitions[tags[i - 1], tags[i]] + emissions[i, tags[i]]
    alpha = emissions[0]
    for i in range(1, len(tags)):
        alpha = torch.logsumexp(alpha.unsqueeze(1) + transitions, dim=0) + emissions[i]
    return torch.logsumexp(alpha, dim=0) - score
torch.manual_seed(0)
emissions = torch.randn(3, 2, requires_grad=True)
transitions = torch.randn(2, 2, requires_grad=True)
loss = crf_nll(emissions, torch.tensor([0, 1, 1]), transitions)
loss.backward()
print(loss)
"""
CUMULATIVE_LOGITS = """\
def ordinal_loss(score, cutpoints, y):
    cum = torch.sigmoid(cutpoints[None, :] - score[:, None])
    probs = torch.cat([cum[:, :1], cum[:, 1:] - cum[:, :-1], 1 - cum[:, -1:]], dim=1)
    return -torch.log(probs.clamp(1e-15, 1 - 1e-15)).gather(1, y[:, None]).mean()
score = torch.tensor([0.3, -1.0, 2.0], requires_grad=True)
cutpoints = torch.tensor([-1.0, 0.5, 1.5], requires_grad=True)
loss = ordinal_loss(score, cutpoints, torch.tensor([1, 0, 3]))
loss.backward()
print(loss)
"""
CORAL_ORDINAL = """\
def coral_loss(logits, levels):
    term1 = F.logsigmoid(logits) * levels
    term2 = (F.logsigmoid(logits) - logits) * (1 - levels)
    return torch.mean(-torch.sum(term1 + term2, dim=1))
logits = torch.tensor([[2.1, 1.8], [1.9, -1.3], [-0.5, -0.7]], requires_grad=True)
print(coral_loss(logits, torch.tensor([[1., 1.], [1., 0.], [0., 0.]])))
"""
COX = """\
def cox_ph_loss(log_h, durations, events, eps=1e-7):
    idx = durations.sort(descending=True)[1]
    events = events[idx].float()
    log_h = log_h[idx]
    events = events.view(-1)
    log_h = log_h.view(-1)
    gamma = log_h.max()
    log_cumsum_h = log_h.sub(gamma).exp().cumsum(0).add(eps).log().add(gamma)
    return -log_h.sub(log_cumsum_h).mul(events).sum().div(events.sum())
log_h = torch.tensor([0.3, -0.5, 1.2, 0.1], requires_grad=True)
loss = cox_ph_loss(log_h, torch.tensor([5.0, 3.0, 8.0, 1.0]), torch.tensor([1, 0, 1, 1]))
loss.backward()
print(loss)
"""
COX_BY_LOGCUMSUMEXP = """\
risk = torch.tensor([0.3, -0.5, 1.2, 0.1], requires_grad=True)
time, event = torch.tensor([5.0, 3.0, 8.0, 1.0]), torch.tensor([1.0, 0.0, 1.0, 1.0])
order = torch.argsort(time, descending=True)
r, e = risk[order], event[order]
print(-((r - torch.logcumsumexp(r, dim=0)) * e).sum() / e.sum())
"""
LIST_MLE = """\
def listMLE(y_pred, y_true, eps=1e-10):
    y_true_sorted, indices = y_true.sort(descending=True, dim=-1)
    preds_sorted_by_true = torch.gather(y_pred, dim=1, index=indices)
    max_pred_values, _ = preds_sorted_by_true.max(dim=1, keepdim=True)
    preds_sorted_by_true_minus_max = preds_sorted_by_true - max_pred_values
    cumsums = torch.cumsum(preds_sorted_by_true_minus_max.exp().flip(dims=[1]), dim=1).flip(dims=[1])
    observation_loss = torch.log(cumsums + eps) - preds_sorted_by_true_minus_max
    return torch.mean(torch.sum(observation_loss, dim=1))
y_pred = torch.tensor([[0.2, 1.1, -0.4], [0.9, 0.1, 0.3]], requires_grad=True)
loss = listMLE(y_pred, torch.tensor([[2.0, 0.0, 1.0], [1.0, 2.0, 0.0]]))
loss.backward()
print(loss)
"""
LIST_NET_TOP_ONE = """\
def listNet(y_pred, y_true, eps=1e-10):
    preds_smax = F.softmax(y_pred, dim=1)
    true_smax = F.softmax(y_true, dim=1)
    preds_log = torch.log(preds_smax + eps)
    return torch.mean(-torch.sum(true_smax * preds_log, dim=1))
y_pred = torch.tensor([[0.2, 1.1, -0.4], [0.9, 0.1, 0.3]], requires_grad=True)
print(listNet(y_pred, torch.tensor([[2.0, 0.0, 1.0], [1.0, 2.0, 0.0]])))
"""
LAMBDA_RANK = """\
def lambdaLoss(y_pred, y_true, eps=1e-10, sigma=1.):
    y_pred_sorted, indices_pred = y_pred.sort(descending=True, dim=-1)
    y_true_sorted, _ = y_true.sort(descending=True, dim=-1)
    true_sorted_by_preds = torch.gather(y_true, dim=1, index=indices_pred)
    true_diffs = true_sorted_by_preds[:, :, None] - true_sorted_by_preds[:, None, :]
    padded_pairs_mask = torch.isfinite(true_diffs) & (true_diffs > 0)
    pos_idxs = torch.arange(1, y_pred.shape[1] + 1)
    D = torch.log2(1. + pos_idxs.float())[None, :]
    maxDCGs = torch.sum((torch.pow(2, y_true_sorted) - 1) / D, dim=-1).clamp(min=eps)
    G = (torch.pow(2, true_sorted_by_preds) - 1) / maxDCGs[:, None]
    weights = torch.abs(torch.pow(D[:, :, None], -1.) - torch.pow(D[:, None, :], -1.)) * torch.abs(
        G[:, :, None] - G[:, None, :])
    scores_diffs = (y_pred_sorted[:, :, None] - y_pred_sorted[:, None, :]).clamp(min=-1e8, max=1e8)
    scores_diffs[torch.isnan(scores_diffs)] = 0.
    weighted_probas = (torch.sigmoid(sigma * scores_diffs).clamp(min=eps) ** weights).clamp(min=eps)
    losses = torch.log2(weighted_probas)
    return -torch.sum(losses[padded_pairs_mask])
y_pred = torch.tensor([[0.2, 1.1, -0.4]], requires_grad=True)
loss = lambdaLoss(y_pred, torch.tensor([[2.0, 0.0, 1.0]]))
loss.backward()
print(loss)
"""
APPROX_NDCG = """\
s = torch.tensor([0.2, 1.1, -0.4, 0.6], requires_grad=True)
rel = torch.tensor([2.0, 0.0, 1.0, 3.0])
gap = (s[None, :] - s[:, None]) / 0.1
rank = 1 + torch.sigmoid(gap).sum(1) - 0.5
dcg = ((2 ** rel - 1) / torch.log2(rank + 1)).sum()
ideal = ((2 ** rel.sort(descending=True)[0] - 1) / torch.log2(torch.arange(2, 6).float())).sum()
loss = 1 - dcg / ideal
loss.backward()
print(loss)
"""
PINBALL_OF_QUANTILES = """\
pred = torch.tensor([[0.1, 0.5, 1.2], [0.0, 0.3, 0.9]], requires_grad=True)
y = torch.tensor([0.7, 0.1])
q = torch.tensor([0.1, 0.5, 0.9])
e = y[:, None] - pred
pinball = torch.maximum(q * e, (q - 1) * e).mean()
crossing = F.relu(pred[:, :-1] - pred[:, 1:]).mean()
loss = pinball + 10 * crossing
loss.backward()
print(loss)
"""
TRIMMED_BY_QUANTILE = """\
pred = torch.tensor([1.0, 2.5, 0.3, 4.0, 2.2], requires_grad=True)
target = torch.tensor([1.2, 2.0, 0.0, 1.0, 2.0])
err = (pred - target) ** 2
cut = torch.quantile(err, 0.8)
loss = err[err <= cut].mean() + 0.1 * torch.quantile(pred, 0.5)
loss.backward()
print(loss)
"""
MEDIAN_SCALE = """\
pred = torch.tensor([1.0, 2.5, 0.3, 4.0, 2.2], requires_grad=True)
gt = torch.tensor([1.2, 2.0, 0.4, 1.0, 2.0])
shift_p, shift_g = torch.median(pred), torch.median(gt)
scale_p, scale_g = (pred - shift_p).abs().mean(), (gt - shift_g).abs().mean()
loss = ((pred - shift_p) / scale_p - (gt - shift_g) / scale_g).abs().mean()
loss.backward()
print(loss)
"""
DILATE_SOFT_DTW = """\
def softmin(a, b, c, gamma):
    z = torch.stack([-a / gamma, -b / gamma, -c / gamma])
    return -gamma * torch.logsumexp(z, 0)
x = torch.tensor([0.1, 0.5, 1.0], requires_grad=True)
y = torch.tensor([0.0, 0.6, 0.8])
D = (x[:, None] - y[None, :]) ** 2
R = [[torch.tensor(1e4) for _ in range(4)] for _ in range(4)]
R[0][0] = torch.tensor(0.0)
for i in range(1, 4):
    for j in range(1, 4):
        R[i][j] = D[i - 1, j - 1] + softmin(R[i - 1][j], R[i][j - 1], R[i - 1][j - 1], 0.1)
loss = R[3][3]
loss.backward()
print(loss)
"""
CERTIFIED = {name: text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}
