# What must exist: one row of the manifest per job, one description per block.


checkpoint plan:
    input:
        spec=spec,
    output:
        # Not deleted before the rule runs: it refuses to change the plan of a campaign that has results.
        manifest=update(folder.manifest),
    log:
        folder.root / "logs" / "plan.log",
    conda:
        "../../environment.yml"
    params:
        sites=sites,
        folder=folder.root,
    shell:
        "python -m jobs.planning.plan --campaign {input.spec:q} --sites-folder {params.sites:q}"
        " --folder {params.folder:q} 2>&1 | {{ tee {log:q} || cat > /dev/null; }}"


rule enqueue:
    input:
        manifest=folder.manifest,
    output:
        touch(folder.root / "enqueued"),
    log:
        folder.root / "logs" / "enqueue.log",
    conda:
        "../../environment.yml"
    params:
        sites=sites,
        folder=folder.root,
    shell:
        "python -m jobs.throttle.begin --folder {params.folder:q} --sites-folder {params.sites:q}"
        " 2>&1 | {{ tee {log:q} || cat > /dev/null; }}"
