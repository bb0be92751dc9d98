"""The data converter needs no answers from workflows, so the sandbox may answer for them."""

from temporalio.converter import WithSerializationContext, WorkflowSerializationContext

from workers.converter import DATA_CONVERTER

CONTEXT = WorkflowSerializationContext(namespace="default", workflow_id="order-A1")


def test_our_data_converter_makes_no_use_of_a_payloads_context() -> None:
    converter = DATA_CONVERTER.payload_converter
    assert isinstance(converter, WithSerializationContext)
    assert converter.with_context(CONTEXT) is converter
    assert DATA_CONVERTER.payload_codec is None
    assert DATA_CONVERTER.external_storage is None
