"""Reading and writing at addresses, which numba offers for whole arrays only.

A table lies in many arrays, and grows by further ones; loops over its rows go by address. What
comes from here checks nothing: the callers keep the arrays alive, and within their bounds.
"""
# numba has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

_WORD = ir.IntType(32)
_LONG = ir.IntType(64)
_FLOAT = ir.FloatType()
_BYTES = ir.IntType(8).as_pointer()
_ALIGNED = 4  # bytes: longer numbers may lie at any word


def _loader(kind: Any, form: Any) -> Callable[[int], Any]:
    def load(_context: Any, _address: Any) -> tuple[Any, Any]:
        def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.load(builder.inttoptr(arguments[0], form.as_pointer()), align=_ALIGNED)

        return kind(types.int64), code

    return cast(Callable[[int], Any], intrinsic(load))


def _storer(kind: Any, form: Any) -> Callable[[int, Any], None]:
    def store(_context: Any, _address: Any, _value: Any) -> tuple[Any, Any]:
        def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            address, value = arguments
            builder.store(value, builder.inttoptr(address, form.as_pointer()), align=_ALIGNED)
            return context.get_dummy_value()

        return types.void(types.int64, kind), code

    return cast(Callable[[int, Any], None], intrinsic(store))


load_word = _loader(types.uint32, _WORD)
load_long = _loader(types.uint64, _LONG)
load_float = _loader(types.float32, _FLOAT)
store_word = _storer(types.uint32, _WORD)
store_long = _storer(types.uint64, _LONG)
store_float = _storer(types.float32, _FLOAT)


def _copy(_context: Any, _target: Any, _source: Any, _size: Any) -> tuple[Any, Any]:
    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        target, source, size = arguments
        move = builder.module.declare_intrinsic("llvm.memcpy", [_BYTES, _BYTES, _LONG])
        builder.call(
            move,
            [
                builder.inttoptr(target, _BYTES),
                builder.inttoptr(source, _BYTES),
                size,
                ir.Constant(ir.IntType(1), 0),
            ],
        )
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), code


def _prefetch(_context: Any, _address: Any) -> tuple[Any, Any]:
    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        form = ir.FunctionType(ir.VoidType(), [_BYTES, _WORD, _WORD, _WORD])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [_BYTES], form)
        read, keep, data = (ir.Constant(_WORD, number) for number in (0, 3, 1))
        builder.call(fetch, [builder.inttoptr(arguments[0], _BYTES), read, keep, data])
        return context.get_dummy_value()

    return types.void(types.int64), code


copy = cast(Callable[[int, int, int], None], intrinsic(_copy))
"""Copy bytes: target, source, size."""

prefetch = cast(Callable[[Any], None], intrinsic(_prefetch))
"""Ask for the memory at an address, to be there when it is read soon."""
