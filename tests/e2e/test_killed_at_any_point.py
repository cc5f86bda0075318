"""first"""
from __future__ import annotations
import time
import pytest
from kill_harness.flow import Flow, Gate

COPY = Gate("POST", "/api/views/{dataset}/publication", "after_commit")

@pytest.mark.kill_point
def test_one(kill_cluster, kill_portal):
    flow = Flow(kill_cluster, kill_portal, "upsert", 0)
    flow.prepare(); flow.start()
    t=time.time()
    flow.reach(COPY, Gate("POST", "/resource/{copy}", "before_commit", 1))
    print("reached", time.time()-t)
    flow.kill("load", "task")
    flow.let_go()
    state = flow.wait_terminal()
    print("terminal", time.time()-t, flow.states())
    took = flow.wait_clean()
    print(took, flow.public(), flow.seen, flow.record())
    for r in kill_portal.admin.requests(): print(r["seq"], r["method"], r["path"], r["query"], r["status"], round(r["time"]-t,1))
    assert state == "failed"
    assert flow.public() == "old"
