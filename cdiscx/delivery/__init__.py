"""What a submission team asks for: uploads or SDTM in, a folder of datasets, define.xml, lineage and manifest out."""

from cdiscx.delivery.deliver import deliver_adam, deliver_all, deliver_sdtm, export, write_all
from cdiscx.delivery.demo import demo
from cdiscx.delivery.finished import conform
from cdiscx.delivery.order import Delivered, Order

__all__ = [
    "Delivered",
    "Order",
    "conform",
    "deliver_adam",
    "deliver_all",
    "deliver_sdtm",
    "demo",
    "export",
    "write_all",
]
