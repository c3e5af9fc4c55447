-- arg 1-5 account; 6 digest of a reference or '', 7 id
local id, row = arg(7), nil
if arg(6) ~= '' then
  local known, found = secret(arg(6))
  if not known or known[1] ~= 'reference' then return { 'none' } end
  id, row = known[2], found
else
  row = session(id)
  if not row then return { 'none' } end
end
local owner, missing = account(row[SUBJECT])
if not owner then return missing end
return standing('found', id, row, owner)
