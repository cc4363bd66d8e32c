-- SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
-- A page of docs as a manual (cmake/Install.cmake): the title becomes NAME and DESCRIPTION, tables become lists, for their
-- columns are too narrow on a terminal, and links to other pages name the manual or the file.
local MANUALS = { ["cli.md"] = "weft(8)", ["config.md"] = "weft.json(5)", ["weftd.md"] = "weftd(8)" }
local text = pandoc.utils.stringify

local function link(element)
  if element.target:match("^%a+://") then return element.content end
  local page = element.target:gsub("#.*", ""):gsub(".*/", "")
  local name = MANUALS[page] or (page ~= "" and "/usr/share/doc/weft/" .. page)
  if page == "weft.schema.json" then name = "/usr/share/weft/weft.schema.json" end
  if not name then return element.content end
  if text(element.content) == page or text(element.content) == name then return pandoc.Str(name) end
  local out = element.content:clone()
  out:extend({ pandoc.Space(), pandoc.Str("(" .. name .. ")") })
  return out
end

-- A row is its first cell, and behind it the others; those between the first and the last say what they are.
local function row_of(row, heads)
  local about = pandoc.Inlines({})
  for column = 2, #row - 1 do
    local value = pandoc.utils.blocks_to_inlines(row[column])
    if #about > 0 and #value > 0 then about:extend({ pandoc.Str(","), pandoc.Space() }) end
    if column > 2 and text(value) ~= "required" then about:extend({ pandoc.Str(text(heads[column])), pandoc.Space() }) end
    about:extend(value)
  end
  local blocks = pandoc.Blocks({})
  if #about > 0 then blocks:insert(pandoc.Para(about)) end
  blocks:extend(row[#row])
  if #blocks == 0 then blocks:insert(pandoc.Para({})) end
  return { { pandoc.Strong(pandoc.utils.blocks_to_inlines(row[1])) }, { blocks } }
end

local function list_of(element)
  local simple = pandoc.utils.to_simple_table(element)
  local items = {}
  for _, row in ipairs(simple.rows) do table.insert(items, row_of(row, simple.headers)) end
  local head = text(simple.headers[1])
  local list = pandoc.DefinitionList(items)
  if head == "" or head == "key" or head == "option" then return list end
  return { pandoc.Para(head:gsub("^%l", string.upper) .. ":"), list }
end

local function page(document)
  local meta = document.meta
  local name, section = text(meta.page):match("^(.*)%.(%d)$")
  local out = pandoc.Blocks({
    pandoc.RawBlock("man", ".ad l"),
    pandoc.Header(1, "NAME"), pandoc.Para(text(meta.summary)), pandoc.Header(1, "DESCRIPTION"),
  })
  for _, block in ipairs(document.blocks) do
    if block.t ~= "Header" then
      out:insert(block)
    elseif block.level > 1 then
      out:insert(pandoc.Header(block.level - 1, block.content))
    end
  end
  return pandoc.Pandoc(out, pandoc.Meta({ title = name:upper(), section = section,
    footer = "weft " .. text(meta.version), header = "weft" }))
end

return { { Link = link }, { Table = list_of }, { Pandoc = page } }
