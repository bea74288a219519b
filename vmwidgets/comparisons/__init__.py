"""One thing beside another: placements, maps, formats of page tables, ways of paging, a model and Linux."""
