-- Takes what evidence or a person says of batches of unknown outcome. ARGV: name of the books the
-- evidence is about ('' for any), msgpack of {{id, n, attempt, verdict, source, words, ticket, cost}, ...}.
-- Replies one word for each: `settled`, `noted`, `over` when there is nothing to settle any more,
-- `claimed` when the ticket is another batch's. Nothing, when the books are others by now.
if ARGV[1] ~= '' and ARGV[1] ~= books() then return {} end
local replies = {}

-- A person's word of a batch for later does not keep the API from debiting it at its time.
local function may_be_debited(id, n)
  local due = number(redis.call('HGET', key(K.batch, id, n), 'due_at'))
  if due > 0 then may_debit_until(math.max(due, now)) end
end

local function give_up(id, n, quote, words)
  settle_money(id, quote, 0)
  redis.call('HSET', key(K.batch, id, n), 'why', words, 'settled_at', now)
  move_batch(id, n, B.abandoned, words)
end

local function send_again(id, n, quote, words)
  if give_back(id, n, quote, words, 0) then go_on(id) end
end

local function note(id, n, batch, verdict, source)
  if verdict == V.absent then
    redis.call('HSETNX', batch, 'absent_at', now)
  elseif source == V.listing then
    if redis.call('HEXISTS', batch, 'verdict') == 1 then assume_later(id, n) end
    redis.call('HDEL', batch, 'absent_at', 'verdict')
  end
  return 'noted'
end

local function settle(id, n, verdict, source, words, ticket, cost)
  local batch = key(K.batch, id, n)
  local f = redis.call('HMGET', batch, 'quote', 'verdict')
  local quote, is_person = number(f[1]), source == V.operator
  if verdict == V.sent then
    if ticket ~= '' and redis.call('ZSCORE', key(K.answered), ticket) then return 'claimed' end
    accept(id, n, ticket, cost, source)
  elseif verdict == V.not_sent then
    local c = redis.call('HMGET', key(K.campaign, id), 'on_unknown', 'state')
    -- What is being cancelled ends here, so that it may, whatever its policy, be given back.
    if not is_person and c[1] ~= RESEND and c[2] ~= C.cancelling then
      if f[2] ~= verdict then
        redis.call('HSET', batch, 'verdict', verdict)
        redis.call('ZREM', key(K.assumptions), id .. '/' .. n)
        emit(id, 'evidence', n, verdict, words)
      end
      return 'noted'
    end
    -- What a person says of the books is no more than a guess.
    if is_person then
      account_add('guessed', quote)
      note_unticketed(id, n)
      may_be_debited(id, n)
    end
    send_again(id, n, quote, words)
  elseif verdict == V.abandon and is_person then
    account_add('guessed', quote)
    note_unticketed(id, n)
    may_be_debited(id, n)
    give_up(id, n, quote, words)
  else
    return note(id, n, batch, verdict, source)
  end
  progress(id)
  return 'settled'
end

for _, each in ipairs(cmsgpack.unpack(ARGV[2])) do
  local id, n, attempt, verdict, source, words, ticket, cost = unpack(each)
  local batch = key(K.batch, id, n)
  local f = redis.call('HMGET', batch, 'state', 'attempt')
  if f[1] ~= B.unknown or f[2] ~= tostring(attempt) then
    replies[#replies + 1] = 'over'
  else
    redis.call('HSET', batch, 'seen:' .. source, now .. ' ' .. words)
    if source == V.operator then emit(id, 'evidence', n, verdict, words) end
    replies[#replies + 1] = settle(id, n, verdict, source, words, ticket, cost)
  end
end
return replies
