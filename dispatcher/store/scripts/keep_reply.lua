-- Keeps a reply, once however often it is posted: both webhooks tell of a STOP. What was taken for
-- less at first is taken for a STOP later, unless a person has judged it.
-- ARGV: reply, number, sender, text, ms when it was written, intent, campaign and place of its recipient in it or ''.
-- Replies whether it is new.
local reply, sender_number, sender, text, at = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local intent, campaign, place = ARGV[6], ARGV[7], ARGV[8]
local record = key(K.reply, reply)
local had = redis.call('HMGET', record, 'intent', 'verdict', 'campaign', 'place')
if had[1] then campaign, place = had[3] or '', had[4] or '' end
local is_known = campaign ~= '' and redis.call('EXISTS', key(K.campaign, campaign)) == 1

local function count(field)
  if is_known then redis.call('HINCRBY', key(K.campaign, campaign), field, 1) end
end

if had[1] then
  if had[2] or intent ~= INTENT.stop or had[1] == INTENT.stop then return 0 end
  redis.call('HSET', record, 'intent', intent)
  redis.call('ZREM', key(K.review), reply)
  count('stops')
  if is_known then announce(campaign, E.reply, { reply = reply, intent = intent, place = tonumber(place) }) end
  return 0
end

redis.call('HSET', record, 'number', sender_number, 'sender', sender, 'text', text, 'at', at, 'intent', intent)
redis.call('ZADD', key(K.replies), at, reply)
-- Who asked for a STOP under no number was not heeded: a person has to find out who it was.
if intent == INTENT.doubtful or (intent == INTENT.stop and sender_number == '0') then
  redis.call('ZADD', key(K.review), at, reply)
end
count('replies')
if intent == INTENT.stop then count('stops') end
if is_known then
  redis.call('HSET', record, 'campaign', campaign)
  if place ~= '' then redis.call('HSET', record, 'place', place) end
  emit(campaign, 'reply', '', intent, reply)
  announce(campaign, E.reply, { reply = reply, intent = intent, place = tonumber(place) })
end
return 1
