-- Counts batches as sent that their campaigns want assumed so, and tells whether evidence is to be
-- looked for. ARGV: 1 when nobody else spends from the account, lost answers that open the circuit
-- breaker (0 for never), ms in which they have to fall, ms until it is tried again. Replies 1 or 0.
redis.call('HSET', ACCOUNT, 'dedicated', ARGV[1], 'breaker_after', ARGV[2], 'breaker_span', ARGV[3])
for _, name in ipairs(redis.call('ZRANGEBYSCORE', key(K.assumptions), '-inf', now, 'LIMIT', 0, 200)) do
  local id, n = string.match(name, '^(.*)/(%d+)$')
  accept(id, tonumber(n), '', '', 'assumed')
  progress(id)
end
redis.call('ZREMRANGEBYSCORE', key(K.answered), '-inf', now - ANSWERED_KEPT_MS)
redis.call('ZREMRANGEBYSCORE', key(K.unticketed), '-inf', now - ANSWERED_KEPT_MS)
redis.call('ZREMRANGEBYSCORE', key(K.early_tickets), '-inf', now - EARLY_KEPT_MS)
local f = redis.call('HMGET', ACCOUNT, 'reconcile_at', 'breaker_at', 'probe')
local is_probe_due = f[2] and not f[3] and number(f[2]) + tonumber(ARGV[4]) <= now
if is_probe_due then return 1 end
if number(f[1]) > now then return 0 end
if redis.call('ZCARD', key(K.unknown)) > 0 or ARGV[1] == '1' then return 1 end
return 0
