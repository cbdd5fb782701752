-- Modulefile for Lmod: put this file where your modules live, as isobath/VERSION.lua, and set `root` to the folder that holds bin/isobath.
local root = "/opt/isobath"

help([[isobath trains transformers whose depth adapts to the token.
`isobath submit CONFIG` submits a run to this cluster; docs/slurm.md says how.]])
whatis("Name: isobath")
whatis("Description: trains transformers whose depth adapts to the token")

depends_on("openmpi")
prepend_path("PATH", pathJoin(root, "bin"))
-- What `isobath submit` takes for the site when it is not told another.
setenv("ISOBATH_SITE", pathJoin(root, "share", "site.yaml"))
