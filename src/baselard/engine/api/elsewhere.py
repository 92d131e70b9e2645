"""Fields that one machine cannot serve, or that are not served yet, and the way out of each."""

from baselard.engine.api.query.registry import anywhere

_ENGINE = "run the same code on a Dagger engine: _EXPERIMENTAL_DAGGER_RUNNER_HOST names one"
_LLM = f"language models are not served; {_ENGINE}"
_CLOUD = f"there is no Dagger Cloud behind this engine; {_ENGINE}"
_GPU = f"GPUs are not handed to containers; {_ENGINE}"
_VOLUME = "mount the file system on the host and use Host.directory"
_MODULE = "a module is called from the command line: baselard call -m PATH"
_STORE = "look at the store with baselard doctor, free space with baselard prune"

INSTEAD = {
    "LLM": _LLM,
    "LLMTokenUsage": _LLM,
    "Query.llm": _LLM,
    "Env": _LLM,
    "Binding": _LLM,
    "Query.env": _LLM,
    "Query.currentEnv": _LLM,
    "Cloud": _CLOUD,
    "Query.cloud": _CLOUD,
    "Container.experimentalWithGPU": _GPU,
    "Container.experimentalWithAllGPUs": _GPU,
    "Query.sshfsVolume": _VOLUME,
    "Query.currentTypeDefs": "list a module's functions with baselard functions, or by Module.objects",
    "Container.withMountedVolume": _VOLUME,
    "Volume": _VOLUME,
    "Address.volume": _VOLUME,
    "ModuleConfigClient": _MODULE,
    "GeneratedCode": _MODULE,
    "Query.generatedCode": _MODULE,
    "Engine": _STORE,
    "EngineCache": _STORE,
    "EngineCacheEntry": _STORE,
    "EngineCacheEntrySet": _STORE,
    "Query.engine": _STORE,
    "Terminal": "use Container.terminal",
    "Service.terminal": "use Container.terminal on the container behind the service",
    "ModuleSource": "change dagger.json itself, or start one with baselard init",
    "Module.runtime": "functions run in a process of this machine, not in a container; use asModule and call them",
    "Module.serve": "a module's functions are called from the command line: baselard call -m PATH",
    "Workspace.update": "modules are not pinned here: change dagger.json itself",
}
"""Fields (``Type.field``), or types for all their fields."""


def way_out(name: str) -> str:
    """What to use instead of the field ``name``, which is not served."""
    return INSTEAD.get(name) or INSTEAD.get(name.partition(".")[0]) or anywhere(name)
