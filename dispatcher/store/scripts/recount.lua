-- Recounts some batches of a campaign. ARGV: id, first batch, last batch.
-- Replies {what is wrong or '', counter, recipients or batches, ...}.
local counts = {}
local reply = { recount(ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), counts) or '' }
for name, found in pairs(counts) do
  reply[#reply + 1] = name
  reply[#reply + 1] = found
end
return reply
